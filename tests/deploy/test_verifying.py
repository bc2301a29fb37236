"""A bento is trusted if every byte of it and of its models is what a trusted key has signed; else the reason is said."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import bentoml
import pytest
from signed_bento import Signed, signed_bento

from deploy.keys import find_key, make_key, raise_floor, revoke_key
from deploy.signing import CannotSign, sign
from deploy.verifying import verify_bento
from trust.errors import Untrusted


@pytest.fixture
def model(home) -> Path:
    return home.folder / "models" / home.tag.replace(":", "/")


@pytest.fixture
def signed(home, model, tmp_path) -> Signed:
    return signed_bento(tmp_path, model, home.tag)


def test_a_signed_bento_is_trusted_and_says_what_it_is(home, signed):
    """
    Signature, bento and model are each looked at, and the manifest names what the model was made from.
    """
    done = signed.verification()
    manifest = verify_bento(signed.tag, signed.home, bentoml_home=signed.bentoml_home)

    assert [(check.name, check.is_passed) for check in done.checks] == [
        ("signature", True), ("bento", True), (f"model {signed.model_tag}", True),
    ]  # fmt: skip
    assert manifest == signed.manifest
    said, (model,) = bentoml.models.get(home.tag).info.metadata, manifest.models
    assert (model.tag, model.trained_until, model.libraries) == (home.tag, said["trained_until"], said["libraries"])
    assert model.feature_schema_digest == said["feature_schema_digest"]


def test_any_altered_file_is_refused_by_name(signed):
    """
    Whichever file, at its start, middle or end: one other bit is found, and the file is named.
    """
    files = [file for folder in (signed.bento, signed.model) for file in folder.rglob("*") if file.is_file()]
    altered = [file for file in files if file != signed.file and file.stat().st_size]
    for file in altered:
        before = file.read_bytes()
        for place in {0, len(before) // 2, len(before) - 1}:
            file.write_bytes(before[:place] + bytes([before[place] ^ 0x80]) + before[place + 1 :])
            assert f"{file.name} was altered" in signed.reasons(), file
        file.write_bytes(before)

    assert len(altered) >= 7
    assert signed.reasons() == ""


def drop(signed):
    (signed.model / "saved_model.ubj").unlink()


def drop_everything(signed):
    shutil.rmtree(signed.model)


def add_to_model(signed):
    (signed.model / "more.pkl").write_bytes(b"cos\nsystem\n")


def add_code(signed):
    (signed.bento / "src" / "sitecustomize.py").write_text("import os\n")


def rename(signed):
    (signed.bento / "src" / "service.py").rename(signed.bento / "src" / "server.py")


def swap(signed):
    first, second = signed.model / "saved_model.ubj", signed.model / "custom_objects.pkl"
    first.rename(signed.model / "kept")
    second.rename(first)
    (signed.model / "kept").rename(second)


def link(signed):
    file = signed.model / "custom_objects.pkl"
    file.rename(signed.home / "elsewhere.pkl")
    file.symlink_to(signed.home / "elsewhere.pkl")


def link_folder(signed):
    (signed.bento / "src" / "runners").rename(signed.home / "runners")
    (signed.bento / "src" / "runners").symlink_to(signed.home / "runners")


def grow(signed):
    with (signed.bento / "bento.yaml").open("a") as file:
        file.write(" ")


def cut(signed):
    (signed.model / "custom_objects.pkl").write_bytes((signed.model / "custom_objects.pkl").read_bytes()[:-1])


def poison_bytecode(signed):
    compiled = next((signed.bento / "src" / "__pycache__").glob("service.*.pyc"))
    compiled.write_bytes(compiled.read_bytes().replace(b"runners", b"poisons"))


@pytest.mark.parametrize(
    ("tamper", "reason"),
    [
        (drop, "saved_model.ubj is missing"),
        (drop_everything, "cannot be read"),
        (add_to_model, "more.pkl was not signed"),
        (add_code, "src/sitecustomize.py was not signed"),
        (rename, "src/service.py is missing; bento: src/server.py was not signed"),
        (swap, "custom_objects.pkl was altered"),
        (link, "custom_objects.pkl: a symbolic link"),
        (link_folder, "src/runners: a symbolic link"),
        (grow, "bento.yaml was altered"),
        (cut, "custom_objects.pkl was altered"),
        (poison_bytecode, "service.cpython-311.pyc was altered"),
    ],
)
def test_what_was_done_to_a_bento_is_said(signed, tamper, reason):
    """
    Dropped, added, renamed, swapped, linked, lengthened, cut off: refused, with the file named.
    """
    tamper(signed)

    assert reason in signed.reasons()
    with pytest.raises(Untrusted):
        verify_bento(signed.tag, signed.home, bentoml_home=signed.bentoml_home)


def test_an_old_manifest_over_new_files_is_refused(signed):
    """
    A bento that is built again is not covered by the manifest of before, though that was rightly signed.
    """
    before = signed.file.read_bytes()
    (signed.bento / "src" / "service.py").write_text("import api\n")
    sign(signed.bento, signed.tag, {signed.model_tag: signed.model}, find_key(signed.home / "keys"), sequence=200)
    assert signed.reasons() == ""
    signed.file.write_bytes(before)

    assert "src/service.py was altered" in signed.reasons()


def test_a_manifest_of_another_bento_is_refused(signed, home, model):
    """
    A signed bento under another tag is not that tag's, though all its files are right.
    """
    shutil.copytree(signed.bento, signed.bento.with_name("two"))

    with pytest.raises(Untrusted, match="of another bento, football:one"):
        verify_bento("football:two", signed.home, bentoml_home=signed.bentoml_home)


def test_a_bento_older_than_the_floor_is_refused(signed):
    """
    A rightly signed bento that was replaced for a reason does not come back once the floor is above it.
    """
    assert signed.reasons(floor=100) == ""
    assert "sequence 100 is older than the floor, 101" in signed.reasons(floor=101)
    raise_floor(signed.home / "keys", 101)
    assert "older than the floor" in signed.reasons()


def test_a_key_that_was_revoked_or_is_unknown_is_refused(signed, tmp_path):
    """
    A bento that somebody else signed is not believed, nor is one whose key was revoked since.
    """
    stranger = make_key(tmp_path / "stranger")
    own = signed.file.read_bytes()
    signed.file.write_bytes(stranger.seal(signed.manifest.encode()))
    assert f"{stranger.key_id} is not trusted here" in signed.reasons()

    signed.file.write_bytes(own)
    revoke_key(signed.home / "keys", find_key(signed.home / "keys").key_id)
    assert "was revoked" in signed.reasons()


def test_a_bento_without_a_signature_is_refused_with_the_way_to_one(signed):
    """
    Unsigned and cut off are told apart.
    """
    signed.file.write_bytes(signed.file.read_bytes()[:100])
    assert "may have been cut off" in signed.reasons()
    signed.file.unlink()
    assert "is not signed; make a key with `football keys init`" in signed.reasons()


def test_a_model_may_lie_within_the_bento(signed):
    """
    In an image, and in what BentoML exports, the model store is a folder of the bento; it is compared there.
    """
    within = signed.bento / "models" / signed.model_tag.replace(":", "/")
    shutil.move(signed.model, within)
    (within.parent / "latest").write_text(within.name)
    assert signed.reasons() == ""

    (within.parent / "planted").mkdir()
    (within.parent / "planted" / "custom_objects.pkl").write_bytes(b"")
    assert "planted/custom_objects.pkl was not signed" in signed.reasons()

    (within / "model.yaml").write_text("name: football\n")
    assert "model.yaml was altered" in signed.reasons()


def test_a_model_that_does_not_say_what_it_was_made_from_is_not_signed(signed):
    """
    There is nothing to put into the manifest, and the reason names the model.
    """
    (signed.model / "model.yaml").write_text("name: football\nmetadata: {}\n")

    with pytest.raises(CannotSign, match=signed.model_tag):
        sign(signed.bento, signed.tag, {signed.model_tag: signed.model}, find_key(signed.home / "keys"), sequence=2)


def test_code_that_does_not_compile_is_not_signed(signed):
    """
    A bento that could not start is not signed.
    """
    (signed.bento / "src" / "service.py").write_text("def\n")

    with pytest.raises(CannotSign, match="cannot be compiled"):
        sign(signed.bento, signed.tag, {signed.model_tag: signed.model}, find_key(signed.home / "keys"), sequence=2)


def test_running_the_code_of_a_bento_adds_no_file_to_it(signed):
    """
    Python finds the code compiled and writes nothing, though dates changed on the way, so the bento stays trusted.
    """
    for file in signed.bento.rglob("*.py"):
        file.touch()
    program = "import sys; sys.path.insert(0, sys.argv[1]); sys.dont_write_bytecode = False; import service"
    subprocess.run([sys.executable, "-I", "-c", program, str(signed.bento / "src")], check=True)

    assert signed.reasons() == ""


def test_verifying_needs_no_model_code(signed):
    """
    Neither model code nor the boosting library is imported, so that a bento can be judged where neither runs.
    """
    program = f"""
import sys
from pathlib import Path
from deploy.verifying import verify_bento
verify_bento({signed.tag!r}, Path({str(signed.home)!r}), bentoml_home=Path({str(signed.bentoml_home)!r}))
print([name for name in ("features", "models", "runners", "xgboost", "numpy", "service") if name in sys.modules])
"""
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert told.strip() == "[]"
