"""``football train``: the card, the saved model, and the same bits again."""

from __future__ import annotations

import json

import pytest
from bentoml._internal.models import ModelStore

from runners.artifact import Artifact
from training.calibration_gain import calibration_gain
from training.coverage import coverage_of
from training.report import scores
from training.run import EVALUATION_REFIT_DAYS, Plan
from training.walk_forward import walk_forward

SEED = 20261124

READ_BACK = """
import json, sys
import bentoml
model = bentoml.models.get(sys.argv[1])
from runners.artifact import Artifact
artifact = Artifact.from_metadata(model.info.metadata)
objects = model.custom_objects
booster = bentoml.xgboost.load_model(model)
whole = objects["model"]
whole.boosted.booster = booster
whole.goals.unpack()
print(json.dumps({
    "mismatches": artifact.golden.mismatches(objects["features"], whole),
    "missing": sum(value != value for row in artifact.golden.features for value in row),
    "incompatibilities": artifact.incompatibilities(),
    "libraries": artifact.libraries,
    "names": list(artifact.feature_names),
}))
"""

WITHOUT_THE_PROJECT = """
import sys
class Refuse:
    def find_spec(self, name, *_):
        if name.split(".")[0] in {"features", "models", "training", "runners", "store", "pandas", "pydantic"}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Refuse())
import cloudpickle
objects = cloudpickle.load(open(sys.argv[1], "rb"))
print(type(objects["features"]).__name__, objects["features"].matches_known, len(objects["model"].names))
"""


def golden_of(run):
    """The golden pairs as the model store gives them back."""
    return Artifact.from_metadata(ModelStore(run.place.models).get(run.tag).info.metadata).golden


def test_the_card_names_data_scores_and_baselines(trained, league):
    """
    The card says what was learned from, and shows every score beside the three baselines with intervals.
    """
    card = trained.card

    assert card["data"]["matches"] == int(league.played.sum())
    assert card["data"]["competitions"] == ["xa.1", "xb.1", "xc.1"]
    evaluation = card["evaluation"]
    assert set(evaluation["scores"]) == {"ensemble", "class_frequency", "elo_logit", "dixon_coles"}
    assert set(evaluation["scores"]["ensemble"]) == {"rps", "log_loss", "brier", "accuracy", "ece"}
    assert set(evaluation["difference"]) == {"class_frequency", "elo_logit", "dixon_coles"}
    assert set(evaluation["per_competition"]) == {"xa.1", "xb.1", "xc.1"}
    for section in (evaluation, *evaluation["per_competition"].values()):
        for difference in section["difference"].values():
            assert difference["rps"]["low"] <= difference["rps"]["mean"] <= difference["rps"]["high"]
    assert trained.card_of_file == card


def test_the_scores_of_the_card_can_be_computed_again(trained, history):
    """
    The figures are those of forecasts made before each match, not of the fit.
    """
    plan = Plan("football", SEED, 200, 300, 2)
    end = int(history.matches.day.max()) + 1

    forecasts = walk_forward(
        history,
        plan.models,
        first_day=end - 200,
        end_day=end,
        refit_days=EVALUATION_REFIT_DAYS,
        warm_up_days=300,
    )

    assert trained.card["evaluation"]["scores"] == {
        name: scores(proba, forecasts.matches) for name, proba in forecasts.proba.items()
    }
    assert trained.card["evaluation"]["coverage"] == coverage_of(forecasts, model="ensemble").to_plain()
    assert trained.card["evaluation"]["calibration"] == calibration_gain(forecasts, model="ensemble", seed=plan.seed)


def test_the_same_data_and_seed_give_the_same_bits(trained, trained_again):
    """
    Two runs differ in their tag and in nothing else: trees, features and card are equal to the bit.
    """
    one, other = (run.folder.joinpath("saved_model.ubj").read_bytes() for run in (trained, trained_again))

    assert trained.tag != trained_again.tag
    assert one == other
    assert trained.card["importance"], "trees that never split would be equal whatever the seed"
    assert trained.card == trained_again.card
    assert repr(golden_of(trained)) == repr(golden_of(trained_again))


def test_the_saved_model_proves_itself_where_it_is_loaded(trained):
    """
    Golden pairs come back from the model store bit for bit, unknown values included, and the model reproduces them.
    """
    told = json.loads(trained.place.python("-c", READ_BACK, trained.tag).stdout)

    assert told["mismatches"] == []
    assert told["missing"] > 0
    assert told["incompatibilities"] == []
    assert {"numpy", "xgboost", "bentoml"} <= set(told["libraries"])
    assert len(told["names"]) == trained.card["features"]


def test_the_saved_model_needs_no_project(trained):
    """
    Features and model are pickled by value: they load where none of our packages can be imported.
    """
    pickle = trained.folder / "custom_objects.pkl"

    told = trained.place.python("-I", "-c", WITHOUT_THE_PROJECT, str(pickle)).stdout

    name, matches, features = told.split()
    assert name == "MatchFeatures"
    assert int(matches) == trained.card["data"]["matches"]
    assert int(features) == trained.card["features"]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--competitions", "xa.1,zz.1"], 1, "The store has no competition 'zz.1'; it has xa.1, xb.1, xc.1."),
        (["--competitions", ","], 1, "no competition in an empty list"),
        (["--name", "no such name!"], 1, "cannot be the name of a model"),
        (["--name", "a:b"], 1, "cannot be the name of a model"),
        (["--seed", "-1"], 2, "-1 is not in the range"),
        (["--card", "missing/card.json"], 2, "missing is not a folder that can be written to"),
    ],
)
def test_what_cannot_be_trained_is_said_in_a_sentence(run, arguments, code, told):
    """
    A run that cannot be is refused before any work, in a sentence that says why.
    """
    done = run("train", *arguments, code=code)

    assert told in done.stderr.splitlines()[-1]


def test_too_little_data_says_how_much_is_needed(place, trained):
    """
    An evaluation window as long as the data leaves nothing to learn from: one line says so, and nothing is saved.
    """
    before = place.tags()
    done = place.football("train", code=1, FOOTBALL_TRAINING__VALIDATION_DAYS="2000")

    assert "at least 100 are needed" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert place.tags() == before


def test_people_see_tables(place):
    """
    Without --json the card is shown as tables: ours, the baselines, the tag.
    """
    told = place.football("train", "--name", "shown", "--competitions", "xa.1,xb.1").stdout

    assert "Elo ordered logit" in told
    assert "Saved shown:" in told
