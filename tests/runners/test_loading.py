"""A model is served only if it fits this process and answers as it did when it was saved."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from dataclasses import replace

import bentoml
import bentoml.xgboost
import numpy as np
import pytest
from small_world import save_tampered

from models.ensemble import Ensemble
from models.forest import CannotCompile
from runners.artifact import Artifact
from runners.errors import ModelNotFound, ModelUnavailable, ModelVersionNotFound
from runners.loading import ModelRefused, compile_trees, load
from runners.probing import SCORER_TOLERANCE, largest_difference
from runners.shelf import Shelf
from training.saving import put_in_store


def saved_again(tag, **changes) -> str:
    """Save a model under another version with some of its parts exchanged."""
    stored = bentoml.models.get(tag)
    model = stored.custom_objects["model"]
    objects = {**stored.custom_objects, "model": replace(model, boosted=replace(model.boosted, booster=None))}
    parts = {"metadata": dict(stored.info.metadata), "objects": objects} | changes
    booster = bentoml.xgboost.load_model(stored)
    return put_in_store("changed", booster, **parts)


def with_metadata(tag, **changes) -> str:
    return saved_again(tag, metadata=dict(bentoml.models.get(tag).info.metadata) | changes)


def test_a_saved_model_loads_and_shows_its_card(home, model):
    """
    A saved model loads with its metrics, its features and the importance of them.
    """
    view = model.view()

    assert model.tag == home.tag
    assert view.metrics == {"rps": 0.2, "accuracy": 0.5}
    assert view.features == tuple(model.model.names)
    assert sum(view.importance.values()) == pytest.approx(1.0)
    assert view.size_bytes > 10_000


def load_elsewhere(home, tag) -> str:
    """Load a model in a process of its own, as a worker does; return the class's origin or what was refused.

    A process that pickled a class by value gets the very same class back, so only another one proves anything.
    """
    program = (
        "import sys; from runners.loading import load, ModelRefused; import features.transform\n"
        "try: print(type(load(sys.argv[1]).features) is features.transform.MatchFeatures)\n"
        "except ModelRefused as refusal: print(refusal)"
    )
    environment = os.environ | {"BENTOML_HOME": str(home.folder)}
    command = [sys.executable, "-c", program, tag]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip()


def test_the_loaded_transform_is_the_one_that_travelled(home):
    """
    The transform comes by value: in another process its class is not the one of this checkout.
    """
    assert load_elsewhere(home, home.tag) == "False"


@pytest.mark.parametrize(
    ("family", "constant", "feature"),
    [("elo", "STEP", "elo_home"), ("pi", "SCALE", "pi_"), ("goals", "GOALS_DISPERSION", "goals_")],
)
def test_changed_arithmetic_of_a_feature_is_refused_by_name(home, family, constant, feature):
    """
    A transform that travels with another constant, in learning or in describing, is refused with the features named.
    """
    tag = save_tampered(home.folder, home.tag, family, constant)

    told = load_elsewhere(home, tag)

    assert f"golden check: {feature}" in told
    assert tag in told


def test_other_probabilities_are_refused(home):
    """
    Trees that answer otherwise than the golden pairs are refused, whatever the features.
    """
    metadata = dict(bentoml.models.get(home.tag).info.metadata)
    golden = metadata["golden"] | {"proba": [[0.2, 0.3, 0.5] for _ in metadata["golden"]["proba"]]}
    tag = with_metadata(home.tag, golden=golden)

    with pytest.raises(ModelRefused, match="probabilities differ"):
        load(tag)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"python": "3.10"}, "python is 3.10"),
        ({"format": 99}, "format is 99"),
        ({"feature_schema_digest": "other"}, "feature_schema_digest is other"),
        ({"unheard_of": 1}, "unheard_of"),
        ({"trained_until": "yesterday"}, "metadata cannot be read"),
        ({"golden": {"fixtures": {}, "features": [], "proba": []}}, "golden check cannot be run"),
    ],
)
def test_metadata_is_compared_before_anything_is_unpickled(home, changes, reason):
    """
    A model that says it does not fit is refused with the difference.
    """
    tag = with_metadata(home.tag, **changes)

    with pytest.raises(ModelRefused, match=reason):
        load(tag)


def test_a_model_that_does_not_fit_is_never_unpickled(home, tmp_path):
    """
    The bytes of a model that does not fit this process are left alone: unpickling them would have made a file.
    """
    trap = Trap(str(tmp_path / "sprung"))
    tag = saved_again(
        home.tag,
        objects={"features": trap, "model": None},
        metadata=dict(bentoml.models.get(home.tag).info.metadata) | {"python": "2.7"},
    )

    with pytest.raises(ModelRefused):
        load(tag)
    assert not (tmp_path / "sprung").exists()


class Trap:
    """Make a file when unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


def test_an_unreadable_pickle_is_refused(home):
    """
    A model without its transform is refused rather than half loaded.
    """
    tag = saved_again(home.tag, objects={"something": 1})

    with pytest.raises(ModelRefused, match="cannot be unpickled"):
        load(tag)


def test_a_model_that_is_not_there_is_refused(home):
    """
    An unknown tag is refused with its name.
    """
    with pytest.raises(ModelRefused, match="football:nowhere"):
        load("football:nowhere")


def test_a_refused_model_leaves_the_others_alone(home):
    """
    The shelf serves what loads; the refused one is unavailable by name, and its reasons stay inside.
    """
    broken = with_metadata(home.tag, python="2.7")
    shelf = Shelf.load({"football": home.tag, "changed": broken})

    assert shelf.find("default").tag == home.tag
    assert shelf.view("default").name == "football"
    assert [view.name for view in shelf.views()] == ["football"]
    with pytest.raises(ModelUnavailable) as failure:
        shelf.find("changed")
    assert "2.7" not in failure.value.message


def test_models_are_found_by_name_and_version(home):
    """
    Another name or another version is said to be unknown, with those that are known.
    """
    shelf = Shelf.load({"football": home.tag})

    assert shelf.find("football", home.tag.partition(":")[2]).tag == home.tag
    with pytest.raises(ModelNotFound, match="football"):
        shelf.find("tennis")
    with pytest.raises(ModelVersionNotFound, match=home.tag.partition(":")[2]):
        shelf.find("default", "v0")


def test_the_artifact_survives_the_model_store(home):
    """
    Metadata read back from the store says what was written.
    """
    artifact = Artifact.from_metadata(bentoml.models.get(home.tag).info.metadata)

    assert artifact.competitions == ["qa.1", "qb.1", "qc.1"]
    assert artifact.python == ".".join(map(str, sys.version_info[:2]))
    assert artifact.incompatibilities() == []


@pytest.mark.parametrize("trees", ["boosted", "goals"])
def test_compiled_trees_are_compared_with_xgboost(model, trees):
    """
    Ten thousand rows at and beside the thresholds are scored alike, and a leaf that is off by a trace is found.
    """
    compiled = getattr(model.model, trees)
    wrong = replace(compiled, trees=replace(compiled.trees, leaf_values=compiled.trees.leaf_values + np.float32(1e-5)))

    assert compiled.trees is not None
    assert largest_difference(compiled) == 0.0
    assert largest_difference(wrong, probes=500) > SCORER_TOLERANCE


@pytest.mark.parametrize("trees", ["boosted", "goals"])
def test_a_model_whose_compiled_trees_differ_is_refused(model, trees):
    """
    Trees that score otherwise than XGBoost are not served.
    """
    off = replace(model.model, **{trees: Tampered(getattr(model.model, trees))})
    with pytest.raises(ModelRefused, match=r"compiled trees .* differ from XGBoost"):
        compile_trees("football:off", off)


class Tampered:
    """A model that compiles to trees with one leaf changed."""

    def __init__(self, model) -> None:
        self.name, self.names, self.booster, self._model = model.name, model.names, model.booster, model
        self.trees = None

    def compile(self) -> None:
        leaves = self._model.trees.leaf_values.copy()
        leaves[0] += np.float32(0.01)
        self.trees = replace(self._model.trees, leaf_values=leaves)


def test_trees_that_cannot_be_compiled_are_left_to_xgboost(caplog):
    """
    A model of deeper trees is served all the same, and the log says why it takes longer.
    """

    class Deep:
        name, trees = "xgboost", None

        def compile(self) -> None:
            raise CannotCompile("a tree has 128 leaves, expected at most 64")

    compile_trees("football:deep", Ensemble(boosted=Deep()))

    assert "not compiled" in caplog.text


def test_a_load_leaves_next_to_no_garbage(home):
    """
    Loads take place without garbage collections, so what a load needs for a while must go by itself.

    The few hundred objects that stay are the classes that travel with the model, which refer to themselves.
    """
    load(home.tag)
    gc.collect()
    gc.disable()
    model = load(home.tag)
    left = gc.collect()
    gc.enable()

    assert model.tag == home.tag
    assert left < 2_000
