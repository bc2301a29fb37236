"""From a key to a bento that was built by BentoML, signed, exported, and found to be what was signed."""

from __future__ import annotations

import json

import bentoml
import pytest
from click.testing import CliRunner

from cli.main import main
from deploy.build import CHECKOUT, BuildFailed, build
from deploy.keys import make_key
from deploy.verifying import is_signed, verify_bento

# BentoML builds with what pathspec and importlib.resources give up.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def run(home, tmp_path):
    """Run a command over a home of the test's own, and the stores of the small world."""

    def run(*arguments: str, code: int = 0, folder: str = "home"):
        done = CliRunner().invoke(main, arguments, env={"FOOTBALL_HOME": str(tmp_path / folder)})
        assert done.exit_code == code, done.output
        return done

    return run


def test_what_is_built_with_a_key_is_signed_and_stays_so_when_exported(home, run, tmp_path):
    """
    The command signs with the only key, says so, and verifies the bento here and in BentoML's export of it; elsewhere
    the key must be trusted first.
    """
    key_id = run("keys", "init").stdout.strip()
    built = json.loads(run("build", home.tag, "--json").stdout)
    tag = built["bento"]

    told = run("verify", tag).stdout.splitlines()
    refused = json.loads(run("verify", tag, "--json", code=1, folder="elsewhere").stdout)
    run("keys", "trust", str(tmp_path / "home" / "keys" / "signing.pub"), folder="elsewhere")
    believed = json.loads(run("verify", "--json", folder="elsewhere").stdout)
    not_served = run("serve", tag, code=1, folder="nowhere").output
    exported = tmp_path / "exported" / "bentos" / tag.replace(":", "/")
    bentoml.get(tag).export(str(exported), "folder")

    assert built["signed_by"] == key_id
    assert f"Bento {tag} is not served: key {key_id} is not trusted here" in not_served
    assert [line.split(":")[0] for line in told] == ["ok    signature", "ok    bento", "ok    model football"]
    assert (refused["trusted"], believed["trusted"]) == (False, True)
    assert "football keys trust" in refused["checks"][0]["reasons"][0]
    assert (believed["bento"], believed["models"]) == (tag, [home.tag])
    assert (exported / "models" / home.tag.replace(":", "/")).is_dir()
    assert verify_bento(tag, tmp_path / "home", bentoml_home=tmp_path / "exported").bento == tag


def test_a_bento_that_cannot_be_signed_is_not_kept(home, tmp_path, monkeypatch):
    """
    Where signing fails there is no unsigned bento that could be served instead.
    """
    before = {str(bento.tag) for bento in bentoml.list()}
    key = make_key(tmp_path / "keys")
    (tmp_path / "keys" / "sequence").write_text("not a number")

    with pytest.raises(BuildFailed, match="cannot be signed"):
        build([home.tag], checkout=CHECKOUT, key=key)
    assert {str(bento.tag) for bento in bentoml.list()} == before


def test_what_nobody_signed_is_not_served_where_signing_is_required(run, monkeypatch):
    """
    The command refuses before a server is started, with the reason; an unknown bento is left to BentoML otherwise.
    """
    assert not is_signed("football:nowhere")
    monkeypatch.setenv("FOOTBALL_TRUST__REQUIRED", "true")

    assert "is not served: bento 'football:nowhere' is not in" in run("serve", "football:nowhere", code=1).output


def test_a_bento_that_is_not_there_cannot_be_verified(run):
    """
    An unknown tag, and one that is no tag, exit 1 with the way to those that are; so does a name that was never built.
    """
    for tag in ("football:nowhere", "../football:one", "../football"):
        assert "bentoml list" in run("verify", tag, code=1).output
    assert "football build" in run("verify", "tennis", code=1).output


def test_a_key_that_is_not_there_is_said_before_anything_is_built(home, run):
    """
    A name that no key has stops the build with the command that makes one.
    """
    assert "football keys init --name other" in run("build", home.tag, "--key", "other", code=1).output
