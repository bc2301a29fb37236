"""Save a trained model to the BentoML model store: features and model by value, with their artifact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import bentoml
import numpy as np
import xgboost
from bentoml.models import ModelContext
from bentoml.types import ModelSignature
from bentoml.xgboost import ModelOptions

import features
import models
from features.matches import MatchTable
from features.transform import MatchFeatures
from models.ensemble import Ensemble
from runners.artifact import Artifact, Golden
from runners.saved import BOOSTER
from training.shelving import shelving

GOLDEN_FIXTURES = 12


class ModelNameInvalid(ValueError):
    """Say which name cannot be one of a saved model, and what a name is made of."""


def check_name(name: str) -> None:
    """Raise ModelNameInvalid if the model store cannot keep a model of that name."""
    try:
        bentoml.Tag(name, None)
        is_valid = name == name.lower()
    except ValueError:
        is_valid = False
    if not is_valid:
        raise ModelNameInvalid(
            f"{name!r} cannot be the name of a model; it takes up to 63 of a-z, 0-9, '-', '_' and '.', "
            "and starts and ends with a letter or a digit"
        )


def save(name: str, transform: MatchFeatures, model: Ensemble, artifact: Artifact) -> str:
    """Save a model under a new version and return its tag, such as ``"football:20261124t101500"``.

    Features and model are pickled by value, so that the tag can be loaded
    where neither package is installed. The model appears whole or not at all.

    Raises:
        ModelNameInvalid: See ``check_name``.
    """
    booster = model.boosted.booster
    if booster is None:
        raise ValueError("the model has no trees; fit it before saving")
    check_name(name)
    with shelving(name) as tag:
        put_in_store(
            tag,
            booster,
            labels={"trained_until": artifact.trained_until.date().isoformat(), "model_type": artifact.model_type},
            metadata=artifact.to_metadata(),
            objects={"features": transform, "model": _without_trees(model)},
        )
    return tag


def put_in_store(
    tag: str,
    booster: xgboost.Booster,
    *,
    metadata: Mapping[str, Any],
    objects: Mapping[str, Any],
    labels: Mapping[str, str] | None = None,
) -> str:
    """Save trees and what goes with them as ``bentoml.xgboost.save_model`` does, and return the full tag.

    BentoML's own asks for the version of the package ``xgboost``; the trees are read and written by ``xgboost-cpu``
    where there is one, which is the same library without 200 MB for graphics cards.
    """
    with bentoml.models.create(
        tag,
        module="bentoml.xgboost",
        api_version="v2",
        signatures={"predict": ModelSignature(batchable=False)},
        labels=dict(labels or {}),
        metadata=dict(metadata),
        custom_objects=dict(objects),
        external_modules=[features, models],
        context=ModelContext(framework_name="xgboost", framework_versions={"xgboost": xgboost.__version__}),
        options=ModelOptions(model_class="Booster"),
    ) as saved:
        booster.save_model(saved.path_of(BOOSTER))
    return str(saved.tag)


def _without_trees(model: Ensemble) -> Ensemble:
    """Return the model as it is pickled: its trees travel in XGBoost's own format, those of the outcomes in a file."""
    return replace(model, boosted=replace(model.boosted, booster=None, trees=None), goals=model.goals.pack())


def golden_fixtures(history: MatchTable, day: int) -> MatchTable:
    """Pick recent pairings, turned round and set on a day after the cut-off, evenly over the competitions.

    The last matches are turned round so that the pairs are fixtures the model
    has not been fitted to; results are left out.
    """
    recent = history.take(slice(max(0, len(history) - 400), None)).without_results()
    chosen = recent.take(np.unique(np.linspace(0, len(recent) - 1, GOLDEN_FIXTURES).astype(int)))
    return MatchTable.from_columns(
        match_id=[f"golden{i}" for i in range(len(chosen))],
        competition=list(chosen.competition),
        season=list(chosen.season),
        kickoff=[(day + 3) * 86_400] * len(chosen),
        home=list(chosen.away),
        away=list(chosen.home),
        neutral=chosen.neutral,
    )


def make_golden(transform: MatchFeatures, model: Ensemble, history: MatchTable) -> Golden:
    """Record golden pairs for a model at its training cut-off."""
    return Golden.record(transform, model, golden_fixtures(history, transform.last_day))
