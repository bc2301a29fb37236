"""A model is loaded from the very bytes that were compared with what was signed; anything else is refused unread."""

from __future__ import annotations

import logging
import pickle
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from model_versions import shelve

from deploy.keys import SigningKey, make_key, raise_floor, revoke_key
from deploy.signing import sign
from runners.errors import ModelUnavailable
from runners.loading import ModelMissing, ModelRefused, ModelUntrusted, load
from runners.shelf import Shelf
from trust.envelope import MANIFEST_FILE
from trust.guard import Guard, ServedBento
from trust.keyring import Keyring
from trust.policy import Policy

VERSION = "for-trust"
TAG = f"football:{VERSION}"
BENTO = "football:served"


class Trap:
    """Make a file when unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@dataclass
class Signed:
    """A copy of the saved model, to be tampered with, and a bento that pins it."""

    model: Path
    bento: Path
    key: SigningKey

    def guard(self, *, required: bool = True, pinned: bool = True, floor: int = 0) -> Guard:
        policy = Policy(Keyring(self.key.folder), is_required=required, floor=floor)
        served = ServedBento(BENTO, self.bento, {TAG}) if pinned else None
        return Guard(policy, bentos=self.bento.parent.parent, served=served)

    def trap(self) -> Path:
        """Put a pickle in place that makes a file when it is read; return that file."""
        sprung = self.bento.parent / "sprung"
        (self.model / "custom_objects.pkl").write_bytes(pickle.dumps(Trap(sprung)))
        return sprung


@pytest.fixture
def unsigned(home, tmp_path) -> Signed:
    shelve(home, home.tag, VERSION)
    bento = tmp_path / "bentos" / "football" / "served"
    (bento / "src").mkdir(parents=True)
    return Signed(home.folder / "models" / "football" / VERSION, bento, make_key(tmp_path / "keys"))


@pytest.fixture
def signed(unsigned) -> Signed:
    sign(unsigned.bento, BENTO, {TAG: unsigned.model}, unsigned.key, sequence=100)
    return unsigned


@pytest.mark.parametrize("required", [True, False])
def test_a_signed_model_loads(signed, home, required):
    """
    What is to the byte what was signed is served, and answers as before.
    """
    assert load(TAG, signed.guard(required=required)).artifact == load(home.tag).artifact


def test_a_tampered_pickle_is_never_read(signed):
    """
    The pickle that would make a file makes none; without a guard it would have.
    """
    sprung = signed.trap()
    for required in (True, False):
        with pytest.raises(ModelUntrusted, match=r"custom_objects.pkl was altered.*None of it was read"):
            load(TAG, signed.guard(required=required))
        assert not sprung.exists()

    with pytest.raises(ModelRefused, match="cannot be unpickled"):
        load(TAG)
    assert sprung.exists()


class Swapping(Guard):
    """Exchange the files of a model for a trap at the very moment after they were found to be right."""

    def __init__(self, signed: Signed) -> None:
        self.real, self.signed, self.sprung = signed.guard(), signed, None

    def check(self, tag, files):
        self.real.check(tag, files)
        self.sprung = self.signed.trap()
        for name in ("model.yaml", "saved_model.ubj"):
            (self.signed.model / name).write_text("swapped")


def test_a_swap_after_the_check_changes_nothing(signed, home):
    """
    What is loaded are the bytes that were checked, whatever lies in the files since.
    """
    guard = Swapping(signed)

    model = load(TAG, guard)

    assert guard.sprung.parent.is_dir()
    assert not guard.sprung.exists()
    assert model.artifact == load(home.tag).artifact


def break_yaml(signed):
    (signed.model / "model.yaml").write_text("!!python/object/apply:os.system ['false']")


def break_trees(signed):
    (signed.model / "saved_model.ubj").write_bytes(b"{L\x00")


def drop_pickle(signed):
    (signed.model / "custom_objects.pkl").unlink()


def add_file(signed):
    (signed.model / "more.py").write_text("")


def rename_trees(signed):
    (signed.model / "saved_model.ubj").rename(signed.model / "saved_model.json")


def link_pickle(signed):
    file = signed.model / "custom_objects.pkl"
    file.rename(signed.bento / "elsewhere")
    file.symlink_to(signed.bento / "elsewhere")


def cut_manifest(signed):
    (signed.bento / MANIFEST_FILE).write_bytes((signed.bento / MANIFEST_FILE).read_bytes()[:-1])


def sign_by_stranger(signed):
    stranger = make_key(signed.bento / "stranger")
    sign(signed.bento, BENTO, {TAG: signed.model}, stranger, sequence=200)


def sign_without_the_model(signed):
    sign(signed.bento, BENTO, {}, signed.key, sequence=200)


def sign_another_bento(signed):
    sign(signed.bento, "football:another", {TAG: signed.model}, signed.key, sequence=200)


def revoke(signed):
    revoke_key(signed.key.folder, signed.key.key_id)


def raise_the_floor(signed):
    raise_floor(signed.key.folder, 101)


@pytest.mark.parametrize("required", [True, False])
@pytest.mark.parametrize(
    ("tamper", "reason"),
    [
        (break_yaml, "model.yaml was altered"),
        (break_trees, "saved_model.ubj was altered"),
        (drop_pickle, "custom_objects.pkl is missing"),
        (add_file, "more.py was not signed"),
        (rename_trees, "saved_model.ubj is missing; saved_model.json was not signed"),
        (link_pickle, "custom_objects.pkl: a symbolic link"),
        (cut_manifest, "signature is not that of key"),
        (sign_by_stranger, "is not trusted here"),
        (sign_without_the_model, "was signed without this model"),
        (sign_another_bento, "of another bento, football:another"),
        (revoke, "was revoked"),
        (raise_the_floor, "older than the floor, 101"),
    ],
)
def test_what_is_signed_and_does_not_verify_is_refused(signed, tamper, reason, required):
    """
    Whether signing is required or not, and with the reason; YAML, pickle and XGBoost are not asked.
    """
    tamper(signed)

    with pytest.raises(ModelUntrusted, match=reason):
        load(TAG, signed.guard(required=required))


def test_an_unsigned_model_is_served_where_none_is_required(unsigned, caplog):
    """
    A developer serves what nobody signed, and the log says so; where signing is required it is refused with the way to it.
    """
    caplog.set_level(logging.INFO, "football.trust")
    assert load(TAG, unsigned.guard(required=False)).tag == TAG
    assert caplog.text.count("model is not signed") == 1

    with pytest.raises(ModelUntrusted, match=r"football:served is not signed.*football keys init"):
        load(TAG, unsigned.guard())


def test_a_further_version_needs_a_signed_bento_too(signed):
    """
    A version that the served bento does not pin is believed if another signed bento in the store pins it.
    """
    with pytest.raises(ModelUntrusted, match=r"no signed bento in .* that is believed"):
        load(TAG, signed.guard(pinned=False, floor=101))
    assert load(TAG, signed.guard(pinned=False)).tag == TAG
    signed.trap()

    for required in (True, False):
        with pytest.raises(ModelUntrusted, match="was altered"):
            load(TAG, signed.guard(pinned=False, required=required))


def test_nobody_else_vouches_for_what_a_bento_pins(signed):
    """
    A served bento whose own signature is gone is not saved by another bento around the same model.
    """
    other = signed.bento.with_name("other")
    shutil.copytree(signed.bento, other)
    sign(other, "football:other", {TAG: signed.model}, signed.key, sequence=101)
    (signed.bento / MANIFEST_FILE).unlink()

    assert load(TAG, signed.guard(pinned=False)).tag == TAG
    with pytest.raises(ModelUntrusted, match="football:served is not signed"):
        load(TAG, signed.guard())


def test_callers_are_not_told_the_reason(signed, caplog):
    """
    The log names the file; who asks for the model hears that it cannot answer now, and the others answer.
    """
    signed.trap()
    shelf = Shelf.load({"football": TAG}, signed.guard())

    assert caplog.records[-1].reasons == ["custom_objects.pkl was altered"]
    with pytest.raises(ModelUnavailable) as failure:
        shelf.find("football")
    assert "altered" not in str(failure.value)


def test_a_model_that_is_gone_is_missing_rather_than_untrusted(signed):
    """
    A signed model whose folder is empty was deleted, not tampered with.
    """
    for file in signed.model.iterdir():
        file.unlink()

    with pytest.raises(ModelMissing):
        load(TAG, signed.guard())


def test_the_library_for_signatures_is_imported_only_for_one():
    """
    A process that serves unsigned models spares its memory.
    """
    program = "import sys, trust.guard; print([name for name in sys.modules if name.startswith('cryptography')])"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert told.strip() == "[]"
