"""What travels beside a saved model: its card, what it was made with, and golden pairs.

One place for writer and reader. Everything is plain data, so that it can be
read and compared before a single byte of the model is unpickled.
"""

from __future__ import annotations

import datetime as dt
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from importlib.metadata import version
from typing import Any, Self

import numpy as np
import xgboost

from features.batch import Array
from features.frame import FeatureFrame
from features.matches import SECONDS_PER_DAY, MatchTable
from features.registry import FEATURES_VERSION, schema_digest
from features.transform import MatchFeatures
from models.ensemble import Ensemble

FORMAT = 5
LIBRARIES = ("numpy", "scipy", "xgboost", "bentoml", "cloudpickle")
FEATURE_TOLERANCE = 1e-9  # relative; another processor may round a power or a logarithm differently
PROBA_TOLERANCE = 1e-6  # absolute; the trees add up in single precision

_FIXTURE_COLUMNS = ("match_id", "competition", "season", "kickoff", "home", "away", "neutral")


@dataclass(frozen=True, slots=True)
class Golden:
    """Hold fixtures with the features and probabilities that the saved model gave for them.

    Attributes:
        fixtures: Plain columns of a match table of n fixtures without results.
        features: One list a fixture, as it stands at the cut-off; then one each for the same pairings a week later,
            when results given to the fixtures have been learned. NaN where a value cannot be known. 2n lists.
        proba: Home, draw, away for each of these.
    """

    fixtures: dict[str, list[Any]]
    features: list[list[float]]
    proba: list[list[float]]

    @classmethod
    def record(cls, features: MatchFeatures, model: Ensemble, fixtures: MatchTable) -> Self:
        """Ask the model about fixtures at the training cut-off and after their results, and keep the answers."""
        frame = _described_and_learned(features, fixtures)
        proba = model.forecast(frame).proba
        columns = {name: getattr(fixtures, name).tolist() for name in _FIXTURE_COLUMNS}
        return cls(columns, frame.values.tolist(), proba.tolist())

    def mismatches(self, features: MatchFeatures, model: Ensemble) -> list[str]:
        """Return what the model now answers differently: feature names, or ``"probabilities"``; empty when all agree."""
        frame = _described_and_learned(features, MatchTable.from_columns(**self.fixtures))
        expected = np.array(self.features)
        if expected.shape != frame.values.shape:
            return [f"{frame.values.shape} values instead of {expected.shape}"]
        agree = np.isclose(frame.values, expected, rtol=FEATURE_TOLERANCE, atol=FEATURE_TOLERANCE, equal_nan=True)
        wrong = [name for name, good in zip(frame.names, agree.all(axis=0), strict=True) if not good]
        return wrong or self._wrong_proba(model, frame)

    def _wrong_proba(self, model: Ensemble, frame: FeatureFrame) -> list[str]:
        proba: Array = model.forecast(frame).proba
        return [] if np.allclose(proba, self.proba, rtol=0.0, atol=PROBA_TOLERANCE) else ["probabilities"]


def _described_and_learned(features: MatchFeatures, fixtures: MatchTable) -> FeatureFrame:
    """Describe fixtures, have a copy of the state learn made-up results of them, and describe the same pairings again.

    What a feature shows and how it learns are both arithmetic that must not change.
    """
    places = np.arange(len(fixtures))
    goals = [(places % 4).astype(np.float64), (places * 2 % 3).astype(np.float64)]
    results = replace(fixtures, home_goals=goals[0], away_goals=goals[1])
    later = replace(fixtures, kickoff=fixtures.kickoff + 7 * SECONDS_PER_DAY)
    state = features.copy()
    state.update(results)
    return FeatureFrame(features.names, np.vstack([features.transform(fixtures).values, state.transform(later).values]))


@dataclass(frozen=True, slots=True)
class Artifact:
    """Describe one saved model.

    Attributes:
        trained_until: No match kicked off at or after this instant was learned from.
        data_digest: Of all played matches the features know; see ``store.reads.data_digest``.
        data_matches: How many those are.
        card: The model card, plain data.
        golden: Pairs that a loaded model must reproduce.
    """

    model_type: str
    trained_until: dt.datetime
    data_digest: str
    data_matches: int
    competitions: list[str]
    feature_names: list[str]
    card: dict[str, Any]
    golden: Golden
    seed: int
    format: int = FORMAT
    features_version: int = FEATURES_VERSION
    feature_schema_digest: str = field(default_factory=schema_digest)
    python: str = field(default_factory=lambda: ".".join(platform.python_version_tuple()[:2]))
    libraries: dict[str, str] = field(default_factory=lambda: {name: version_of(name) for name in LIBRARIES})

    def to_metadata(self) -> dict[str, Any]:
        """Return the artifact as plain data for the model store."""
        return asdict(self) | {"trained_until": self.trained_until.isoformat()}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any]) -> Self:
        """Read what ``to_metadata`` wrote.

        Raises:
            ValueError: If a part is missing or unknown; names it.
        """
        known = {f.name for f in fields(cls)}
        if known != set(metadata):
            missing, extra = sorted(known - set(metadata)), sorted(set(metadata) - known)
            raise ValueError(f"the model's metadata lacks {missing} and has unknown {extra}; train the model again")
        plain = dict(metadata)
        plain["golden"] = Golden(**plain["golden"])
        plain["trained_until"] = dt.datetime.fromisoformat(plain["trained_until"])
        return cls(**plain)

    def incompatibilities(self) -> list[str]:
        """Return why this process cannot run the model, in words; empty when it can."""
        here = {
            "format": FORMAT,
            "features_version": FEATURES_VERSION,
            "feature_schema_digest": schema_digest(),
            "python": ".".join(platform.python_version_tuple()[:2]),
        }
        reasons = [
            f"{name} is {getattr(self, name)}, this process has {value}"
            for name, value in here.items()
            if getattr(self, name) != value
        ]
        major = {name: version_of(name).split(".")[0] for name in ("numpy", "xgboost")}
        return reasons + [
            f"trained with {name} {self.libraries.get(name)}, this process has {version_of(name)}"
            for name, digit in major.items()
            if self.libraries.get(name, "").split(".")[0] != digit
        ]


def version_of(library: str) -> str:
    """Return the version of a library that is installed; XGBoost goes by two names, and says its version itself."""
    return str(xgboost.__version__) if library == "xgboost" else version(library)
