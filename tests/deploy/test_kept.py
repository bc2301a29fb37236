"""Copies of releases: halves of them do not stay, and what one has noted of old matches is lent to the next, and only lent."""

from __future__ import annotations

import pytest

from deploy.kept import kept_tags, lend_past, sweep
from deploy.place import Place
from deploy.slot import PAST


@pytest.fixture
def lender(tmp_path):
    """A kept release that has noted something."""
    noted = tmp_path / "lender" / PAST / "digest"
    noted.mkdir(parents=True)
    (noted / "values.npy").write_bytes(b"values")
    return tmp_path / "lender"


@pytest.fixture
def borrower(tmp_path):
    """One that has just been copied."""
    (tmp_path / "borrower" / "bentos").mkdir(parents=True)
    return tmp_path / "borrower"


def test_a_new_release_gets_a_copy_of_its_own(lender, borrower):
    """
    What it does to its copy is not seen by the one that serves.
    """
    lend_past(lender, borrower)
    lent = borrower / PAST / "digest" / "values.npy"
    assert lent.read_bytes() == b"values"

    lent.write_bytes(b"wrong!")

    assert (lender / PAST / "digest" / "values.npy").read_bytes() == b"values"
    assert sorted(one.name for one in borrower.iterdir()) == ["bentos", PAST]


def test_what_a_release_has_noted_itself_stays(lender, borrower):
    """
    It is not written over.
    """
    (borrower / PAST).mkdir()

    lend_past(lender, borrower)

    assert list((borrower / PAST).iterdir()) == []


def test_nothing_is_lent_where_nothing_was_noted_or_nothing_can_be_written(lender, borrower, tmp_path):
    """
    The release goes on without; half a copy of an earlier attempt is no obstacle.
    """
    lend_past(tmp_path / "nobody", borrower)
    assert not (borrower / PAST).exists()
    (tmp_path / "no folder").write_text("kept")
    lend_past(lender, tmp_path / "no folder")
    assert (tmp_path / "no folder").read_text() == "kept"

    (borrower / f".{PAST}.new" / "half").mkdir(parents=True)
    lend_past(lender, borrower)
    assert [one.name for one in (borrower / PAST).iterdir()] == ["digest"]


def test_halves_of_copies_are_swept_and_whole_ones_stay(tmp_path):
    """
    A process that was killed while it made or removed a copy leaves one under a name that begins with a dot.
    """
    place = Place(tmp_path)
    place.make()
    for name in ("whole", ".half.new", ".old.gone"):
        (place.kept / name / "bentos" / "football").mkdir(parents=True)

    sweep(place)

    assert [one.name for one in place.kept.iterdir()] == ["whole"]
    assert kept_tags(place) == ["football:whole"]
    assert (place.kept / "whole" / "bentos" / "football").is_dir()
