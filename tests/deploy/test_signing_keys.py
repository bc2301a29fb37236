"""Keys that sign: made once and never overwritten, kept to their owner, trusted by file and revoked for good."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.main import main
from deploy.keys import KeyRefused, find_key, make_key, next_sequence, raise_floor, revoke_key, trust_key
from trust.keyring import Keyring


@pytest.fixture
def keys(tmp_path) -> Path:
    return tmp_path / "home" / "keys"


@pytest.fixture
def run(tmp_path):
    """Run a command over a home of the test's own."""

    def run(*arguments: str, code: int = 0) -> str:
        done = CliRunner().invoke(main, arguments, env={"FOOTBALL_HOME": str(tmp_path / "home")})
        assert done.exit_code == code, done.output
        return done.output

    return run


def test_a_new_key_is_its_owners_and_trusted_here(keys):
    """
    The private file is readable by its owner only, the public one is trusted, and the key is found to sign with.
    """
    key = make_key(keys)

    assert (keys / "signing.key").stat().st_mode & 0o777 == 0o600
    assert keys.stat().st_mode & 0o777 == 0o700
    assert (keys / "signing.key").read_text().startswith("-----BEGIN PRIVATE KEY-----")  # pragma: allowlist secret
    assert Keyring(keys).trusted() == [key.key_id]
    assert find_key(keys).key_id == key.key_id


def test_a_key_is_never_overwritten(keys):
    """
    A second key of the same name is refused, and the first one stays to the byte; so does a lone public file.
    """
    make_key(keys)
    before = (keys / "signing.key").read_bytes()
    with pytest.raises(KeyRefused, match="not overwritten"):
        make_key(keys)
    (keys / "other.pub").write_text("mine")
    with pytest.raises(KeyRefused, match="not overwritten"):
        make_key(keys, "other")

    assert (keys / "signing.key").read_bytes() == before
    assert not (keys / "other.key").exists()


@pytest.mark.parametrize("name", ["../signing", "", "Signing", "a b", "-a"])
def test_a_key_is_named_within_its_folder(keys, name):
    """
    A name that is no plain word is refused.
    """
    with pytest.raises(KeyRefused, match="cannot name a key"):
        make_key(keys, name)


def test_one_of_several_keys_must_be_chosen(keys):
    """
    Without a key nothing is signed; with two of them a name is needed.
    """
    assert find_key(keys) is None
    make_key(keys)
    second = make_key(keys, "second")

    assert find_key(keys, "second").key_id == second.key_id
    with pytest.raises(KeyRefused, match=r"second, signing.*--key NAME"):
        find_key(keys)
    with pytest.raises(KeyRefused, match="football keys init --name third"):
        find_key(keys, "third")


def test_a_key_that_others_can_read_is_not_used(keys):
    """
    A private key with the group's or everybody's permissions is refused.
    """
    make_key(keys)
    (keys / "signing.key").chmod(0o640)

    with pytest.raises(KeyRefused, match="chmod 600"):
        find_key(keys)


def test_what_is_no_private_key_is_refused(keys):
    """
    A damaged file, and a key of another kind, are said to be none.
    """
    make_key(keys)
    (keys / "signing.key").write_text("broken")
    with pytest.raises(KeyRefused, match="no private key in PEM"):
        find_key(keys)


def test_a_revoked_key_signs_and_is_trusted_no_more(keys):
    """
    A revoked key is not signed with, and cannot be trusted again.
    """
    key = make_key(keys)
    revoke_key(keys, key.key_id)

    assert Keyring(keys).trusted() == []
    assert Keyring(keys).revoked() == [key.key_id]
    with pytest.raises(KeyRefused, match="was revoked"):
        find_key(keys)
    with pytest.raises(KeyRefused, match="for good"):
        trust_key(keys, keys / "signing.pub")


def test_sequences_only_rise(keys, monkeypatch):
    """
    Each is higher than the one before, also when the clock is put back.
    """
    first = next_sequence(keys)
    monkeypatch.setattr("deploy.keys.time.time", lambda: 1_000.0)

    assert [next_sequence(keys), next_sequence(keys)] == [first + 1, first + 2]


def test_a_floor_never_sinks(keys):
    """
    Raising it to less than it is changes nothing.
    """
    assert [raise_floor(keys, floor) for floor in (5, 9, 3)] == [5, 9, 9]
    assert Keyring(keys).floor() == 9


def test_the_commands_make_trust_list_and_revoke(run, tmp_path):
    """
    A key made on one machine is trusted on another by its public file, listed, and revoked by its id.
    """
    other = make_key(tmp_path / "elsewhere")
    own = run("keys", "init").splitlines()[0]
    assert run("keys", "trust", str(other.folder / "signing.pub")).strip() == other.key_id
    both = json.loads(run("keys", "list", "--json"))["signing"]
    run("keys", "revoke", other.key_id)
    told = run("keys", "list")

    assert both == {"trusted": sorted([own, other.key_id]), "revoked": [], "floor": 0}
    assert f"{own}  trusted" in told
    assert f"{other.key_id}  revoked" in told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["revoke", "signing"], "16 hexadecimal digits"),
        (["revoke", "../../etc/passwd"], "16 hexadecimal digits"),
        (["trust", "README"], "no public key to trust"),
        (["init", "--name", "a/b"], "cannot name a key"),
        (["floor", "football:nowhere"], "not in the bento store"),
    ],
)
def test_what_cannot_be_done_with_a_key_is_said(home, run, tmp_path, monkeypatch, arguments, told):
    """
    A wrong id, file, name or tag exits 1 with a sentence.
    """
    monkeypatch.chdir(tmp_path)
    (tmp_path / "README").write_text("no key")

    assert told in run("keys", *arguments, code=1)
