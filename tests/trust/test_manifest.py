"""A manifest has one spelling, and its paths stay within the bento and the models that it names."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from manifests import MODEL, PATHS, manifest

from trust.manifest import Manifest


def test_a_manifest_is_read_back_as_it_was_written():
    """
    What was spelled out is read back the same, and says which files are the bento's and which the model's.
    """
    read = Manifest.decode(manifest().encode())

    assert read == manifest()
    assert list(read.of_bento()) == ["bento.yaml", "src/service.py"]
    assert list(read.of_model(MODEL)) == ["model.yaml"]
    assert read.of_model("football:another") is None


def respelled(change) -> bytes:
    told = json.loads(manifest().encode())
    change(told)
    return json.dumps(told, sort_keys=True, separators=(",", ":")).encode()


def test_the_standard_library_spells_it_the_same():
    """
    The one spelling is plain JSON with sorted keys and no spaces, so that other programs can write it.
    """
    assert respelled(lambda _: None) == manifest().encode()


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "bento/../../keys/signing.key",
        "bento/./src/service.py",
        "bento//service.py",
        "bento/",
        "src/service.py",
        "models/football/another/model.yaml",
        "models/football/20261124t101500/../other/model.yaml",
        "bento/src\\service.py",
        "bento/src/service.py\0.txt",
    ],
)
def test_a_path_that_leaves_its_place_is_refused(path):
    """
    Absolute paths, steps upwards, empty steps and models that are not pinned have no place in a manifest.
    """
    with pytest.raises(ValueError, match="no path within"):
        Manifest.decode(manifest(sorted([*PATHS, path])).encode())


@pytest.mark.parametrize(
    ("spelled", "reason"),
    [
        (manifest([*PATHS, PATHS[-1]]).encode(), "there twice"),
        (manifest(PATHS[::-1]).encode(), "not sorted"),
        (manifest(bento="football").encode(), "no full tag"),
        (manifest(bento="../football:one").encode(), "no full tag"),
        (manifest(format=2).encode(), "format 2"),
        (manifest().encode() + b"\n", "one spelling"),
        (json.dumps(json.loads(manifest().encode())).encode(), "one spelling"),
        (
            json.dumps(json.loads(manifest().encode()), separators=(",", ":")).encode()[:-1] + b',"sequence":9}',
            "one spelling",
        ),
        (manifest().encode().replace(b'"football:one"', b'"football:\\u006fne"'), "one spelling"),
        (respelled(lambda told: told.update(more=1)), "cannot be read"),
        (respelled(lambda told: told.pop("models")), "cannot be read"),
        (respelled(lambda told: told.update(sequence=7.0)), "cannot be read"),
        (respelled(lambda told: told.update(sequence=0)), "cannot be read"),
        (respelled(lambda told: told["files"][0].update(size=-1)), "cannot be read"),
        (respelled(lambda told: told["files"][0].update(sha256="f" * 63)), "cannot be read"),
        (respelled(lambda told: told["files"][0].update(sha256="F" * 64)), "cannot be read"),
        (b"[" * 100_000, "cannot be read"),
        (b"\xff", "cannot be read"),
        (b"", "cannot be read"),
    ],
)
def test_any_other_spelling_is_refused(spelled, reason):
    """
    Something twice, unsorted, unknown, missing, of another type or with a space in it is no manifest.
    """
    with pytest.raises(ValueError, match=reason):
        Manifest.decode(spelled)


@given(st.binary(max_size=200))
def test_bytes_are_a_manifest_or_refused(spelled):
    """
    No bytes do anything but be refused.
    """
    with pytest.raises(ValueError, match="manifest"):
        Manifest.decode(spelled)
