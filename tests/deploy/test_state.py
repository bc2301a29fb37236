"""What is to serve, as it lies on the disk: whole, readable, and told apart from what is damaged."""

from __future__ import annotations

import os
import subprocess
import sys

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.durable import append_durably, write_durably
from deploy.errors import AnotherIsAtIt, StateUnreadable
from deploy.lock import held, is_held
from deploy.place import SLOTS, Place
from deploy.served import previous_tag
from deploy.state import State, Underway, history, note, read_state, write_state

slots = st.sampled_from([None, *SLOTS])
tags = st.dictionaries(st.sampled_from(SLOTS), st.text(min_size=1, max_size=20))
states = st.builds(
    State,
    serving=slots,
    standby=slots,
    tags=tags,
    since=st.none() | st.text(max_size=30),
    why=st.text(max_size=30),
    underway=st.none() | st.builds(Underway, *[st.text(max_size=9)] * 5),
    is_wanted=st.booleans(),
)


@pytest.fixture
def place(tmp_path):
    place = Place(tmp_path / "releases")
    place.make()
    return place


@settings(max_examples=50, deadline=None)
@given(states)
def test_a_state_is_read_as_it_was_written(tmp_path_factory, state):
    """
    Whatever is serving, underway or wanted: it comes back.
    """
    place = Place(tmp_path_factory.mktemp("releases"))

    write_state(place, state)

    assert read_state(place) == state


def test_before_the_first_release_nothing_serves(place):
    """
    Without a file there is an empty state, and no server is to run.
    """
    assert read_state(place) == State()
    assert read_state(place).running == {}


@pytest.mark.parametrize("content", [b"", b"{", b'{"serving": 3}', b'{"unknown": 1}', b"\xff\xfe"])
def test_a_damaged_state_is_said_and_left_alone(place, content):
    """
    Every command says which file is damaged and what to do; none takes it for an empty one.
    """
    place.state.write_bytes(content)

    with pytest.raises(StateUnreadable, match="move the file away"):
        read_state(place)
    assert place.state.read_bytes() == content


def test_a_file_that_was_cut_off_aside_changes_nothing(place):
    """
    A write that was killed before its end leaves the older state to be read, and the next one in peace.
    """
    write_state(place, State(serving="blue"))
    (place.root / ".state.json.new").write_bytes(b'{"serv')

    assert read_state(place).serving == "blue"
    write_state(place, State(serving="green"))
    assert read_state(place).serving == "green"


def test_only_what_is_wanted_is_kept_running():
    """
    Serving and standby are, what is only being started is not, and nothing is after the service was taken down.
    """
    state = State(serving="blue", standby="green", tags={"blue": "football:b", "green": "football:a"}, is_wanted=True)

    assert state.running == {"blue": "football:b", "green": "football:a"}
    assert msgspec.structs.replace(state, standby=None).running == {"blue": "football:b"}
    assert msgspec.structs.replace(state, is_wanted=False).running == {}


def test_the_journal_keeps_order_and_survives_a_line_that_was_cut_off(place):
    """
    Half a line, as a power cut leaves one, costs itself only.
    """
    note(place, "release begun", tag="football:a")
    with place.journal.open("ab") as opened:
        opened.write(b'{"at": "2026')
    note(place, "release done", tag="football:a")

    assert [event["what"] for event in history(place)] == ["release begun", "release done"]


def test_lines_and_files_are_added_whole(tmp_path):
    """
    A line never joins the one before; a file is replaced, not written over.
    """
    file = tmp_path / "lines"
    append_durably(file, b"one")
    append_durably(file, b"two")
    first = file.stat().st_ino
    write_durably(file, b"three")

    assert file.read_bytes() == b"three"
    assert file.stat().st_ino != first
    assert [one.name for one in tmp_path.iterdir()] == ["lines"]


def test_a_second_one_is_sent_away_with_the_pid_of_the_first(tmp_path):
    """
    The lock is of one process, and is free again when that is killed.
    """
    lock = tmp_path / "lock"
    program = f"import time; from pathlib import Path; from deploy.lock import held\nwith held(Path({str(lock)!r})): print('held', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"

        with pytest.raises(AnotherIsAtIt, match=str(holder.pid)), held(lock):
            pass
        assert is_held(lock)
        holder.kill()

    assert not is_held(lock)
    with held(lock):
        assert is_held(lock)


def test_looking_whether_a_lock_is_held_does_not_keep_others_from_it(tmp_path):
    """
    A look holds the lock for an instant; who wants it waits that out.
    """
    lock = tmp_path / "lock"
    number = os.open(lock, os.O_RDWR | os.O_CREAT)
    program = f"from pathlib import Path; from deploy.lock import held\nwith held(Path({str(lock)!r})): print('held')"
    looking = f"import fcntl, time; fcntl.flock({number}, fcntl.LOCK_EX); print('look', flush=True); time.sleep(0.15)"
    with subprocess.Popen(
        [sys.executable, "-c", looking], stdout=subprocess.PIPE, text=True, pass_fds=[number]
    ) as looker:
        os.close(number)
        assert looker.stdout is not None
        assert looker.stdout.readline() == "look\n"
        with held(lock):
            pass
    assert (
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "held\n"
    )


def served(*pairs):
    return [{"what": "serving", "tag": tag, "why": f"{why} of {tag}"} for why, tag in pairs]


@pytest.mark.parametrize(
    ("journal", "expected"),
    [
        ([], None),
        (served(("release", "a")), None),
        (served(("release", "a"), ("release", "b")), "a"),
        (served(("release", "a"), ("release", "b"), ("rollback", "a")), None),
        (served(("release", "a"), ("release", "b"), ("release", "c"), ("rollback", "b")), "a"),
        (served(("release", "a"), ("release", "b"), ("rollback", "a"), ("release", "c")), "a"),
        (served(("release", "a"), ("release", "b"), ("release", "a")), "b"),
        (served(("release", "gone"), ("release", "b")), None),
    ],
)
def test_a_rollback_goes_to_what_served_before_and_not_to_what_was_rolled_back_from(journal, expected):
    """
    Pressed twice in fear, it goes back twice; it never brings the bad one back.
    """
    others = [{"what": "release begun", "tag": "x"}]

    assert previous_tag(others + journal + others, ["a", "b", "c"]) == expected
