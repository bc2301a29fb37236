"""The verdict: every record counts, in the phase it was under way in, and a row allows what it says and no more."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proof.marks import Change
from proof.records import Record
from proof.verdict import verdict_of

RELEASE = Change("release", 10.0, 20.0, "new")
KILL = Change("kill-proxy", 30.0, 31.0, back_s=1.0)
STOP = Change("stop-worker", 30.0, 40.0)


def record(due, done=None, trouble="", version="old", status=200) -> Record:
    return Record(due, due, due + 0.01 if done is None else done, 1, False, status, version, trouble)


def lost(due, done=None) -> Record:
    return record(due, done, trouble="broken off", version="", status=0)


@given(st.lists(st.tuples(st.floats(0, 40), st.floats(0, 5), st.sampled_from(["", "refused", "other numbers"]))))
def test_no_response_is_left_out(drawn):
    """
    Whatever the times, the phases together count each record once.
    """
    records = [record(due, due + took, trouble) for due, took, trouble in drawn]

    verdict = verdict_of(records, [RELEASE, KILL])

    assert sum(phase.responses for phase in verdict.phases) == verdict.responses == len(records)
    assert sum(phase.lost for phase in verdict.phases) == verdict.lost
    assert sum(phase.wrong for phase in verdict.phases) == verdict.wrong
    assert verdict.lost + verdict.wrong == sum(bool(trouble) for _, _, trouble in drawn)


def test_a_clean_window_passes_and_bounds_the_rate_of_failures():
    """
    None failed of 300: by the rule of three fewer than 1 in 100 fail.
    """
    verdict = verdict_of([record(i / 10) for i in range(300)], [RELEASE])

    assert verdict.is_passed
    assert verdict.bound == 0.01


def test_one_lost_response_fails_a_release_also_if_it_was_due_just_before():
    """
    What was under way when the release began belongs to it.
    """
    verdict = verdict_of([record(5.0), lost(9.9, 10.1), record(25.0)], [RELEASE])

    assert not verdict.is_passed
    assert [(phase.name, phase.lost) for phase in verdict.phases] == [
        ("steady", 0),
        ("after release", 0),
        ("release", 1),
    ]
    assert verdict.bound != verdict.bound  # there is none


def test_a_lost_response_while_nothing_is_done_fails_the_proof():
    """
    Before, between and after changes nothing may be lost.
    """
    assert "1 responses were lost outside of any change" in verdict_of([lost(5.0)], [RELEASE]).failures
    assert "1 responses were lost outside of any change" in verdict_of([lost(25.0)], [RELEASE]).failures


def test_a_killed_proxy_may_cost_a_second_and_no_more():
    """
    Connections end with the proxy; a request that is due more than a second later must be answered.
    """
    slow = Change("kill-proxy", 30.0, 33.0, back_s=3.0)

    assert verdict_of([record(29.0), lost(29.99, 30.0), lost(30.9), record(32.0)], [KILL]).is_passed
    assert not verdict_of([record(29.0), lost(32.0), record(34.0)], [slow]).is_passed


def test_a_hung_worker_may_keep_everybody_waiting_for_three_seconds_and_no_more():
    """
    Nothing is lost of either; who was answered after half a minute is not to be told that all went well.
    """
    soon = [record(30.0 + i / 2, done=max(30.0 + i / 2, 32.9) + 0.01) for i in range(21)]
    late = [record(30.0 + i / 2, done=max(30.0 + i / 2, 33.1) + 0.01) for i in range(21)]

    assert verdict_of(soon, [STOP]).is_passed
    assert verdict_of(late, [STOP]).failures == ("stop-worker: nobody was answered for 3.11 s; 3 s are allowed",)
    assert verdict_of(late, [KILL]).changes[0].silence_s == 1.0, "nobody was answered while it lasted"


def test_a_wrong_answer_fails_whatever_was_going_on():
    """
    A fault may cost answers, never make them wrong.
    """
    verdict = verdict_of([record(29.0), record(30.5, trouble="other numbers")], [KILL])

    assert verdict.failures == ("1 wrong answers",)
    assert verdict.examples[0]["phase"] == "kill-proxy"


def test_a_change_that_was_not_made_fails_the_proof():
    """
    A release that was refused is no release.
    """
    refused = Change("release", 10.0, 20.0, "new", is_done=False, said="it is slow")

    assert verdict_of([record(5.0)], [refused]).failures == ("release of new was not done: it is slow",)


def test_versions_are_timed_from_the_beginning_of_a_change():
    """
    The first answer of the new version, and the last one of the old.
    """
    records = [record(9.0), record(12.0, version="new"), record(15.0), record(22.0, version="new")]

    (change,) = verdict_of(records, [RELEASE]).changes

    assert round(change.first_new_s, 2) == 2.01
    assert round(change.last_old_s, 2) == 5.01
