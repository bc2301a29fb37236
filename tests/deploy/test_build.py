"""Building a bento: what is pinned, what is refused."""

from __future__ import annotations

import shutil

import bentoml
import pytest
from small_world import train

from deploy.build import CHECKOUT, BuildFailed, bentos, build, is_current, newest_model

# BentoML builds with what pathspec and importlib.resources give up.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def test_a_bento_keeps_the_model_it_was_built_around(home):
    """
    The bento names the full tag, also when it was asked for as the newest, and a newer model changes nothing.
    """
    first = build([newest_model("football")])
    pinned = bentoml.models.get("football").tag
    newer = train(home.matches, seed=3)
    second = build(["football"])

    assert [model.tag for model in bentoml.get(first).info.all_models] == [pinned]
    assert [str(model.tag) for model in bentoml.get(second).info.all_models] == [newer]
    assert bentoml.get(second).info.labels["model"] == newer
    assert bentos()[:2] == [second, first]


def test_a_model_that_is_not_saved_cannot_be_built_around(home):
    """
    An unknown model is named with the command that lists or makes one.
    """
    with pytest.raises(BuildFailed, match="football models"):
        build(["football:nowhere"])
    with pytest.raises(BuildFailed, match="football train"):
        newest_model("tennis")


def test_a_folder_that_is_no_checkout_cannot_be_built(home, tmp_path):
    """
    Without its bentofile there is nothing to build from.
    """
    with pytest.raises(BuildFailed, match="checkout"):
        build([home.tag], checkout=tmp_path)


def test_what_bentoml_cannot_build_is_said(home, tmp_path):
    """
    A checkout whose service cannot be imported fails with BentoML's reason.
    """
    (tmp_path / "bentofile.yaml").write_text(
        'service: "missing_module:Nothing"\ndescription: ""\ninclude: ["*"]\nexclude: []\npython: {}\ndocker: {}\n'
    )

    with pytest.raises(BuildFailed, match="could not build"):
        build([home.tag], checkout=tmp_path)


def test_a_bento_is_current_until_its_model_or_its_code_changes(home, tmp_path):
    """
    What was built from other files, or around another model, is built anew rather than served in silence.
    """
    bento = build([home.tag])
    shutil.copy(CHECKOUT / "bentofile.yaml", tmp_path)

    assert is_current(bento, home.tag)
    assert not is_current(bento, "football:another")
    assert not is_current(bento, home.tag, checkout=tmp_path)
