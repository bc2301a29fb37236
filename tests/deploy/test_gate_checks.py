"""What the gate judges by, without servers: soundness, scores, changes, times, the sample and the sweeping."""

from __future__ import annotations

import copy
import math
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from candidates import bounds_with, plan_with
from hypothesis import given
from hypothesis import strategies as st

from api.examples import EXPLAINED_PREDICTION, PREDICTION
from deploy import state
from deploy.errors import Refused
from deploy.gate import checks
from deploy.gate.asking import Reply
from deploy.gate.cell import copied_store, sweep
from deploy.gate.gatekeeper import Gatekeeper
from deploy.gate.report import Check, Report, Sample
from deploy.gate.rounds import Pair
from deploy.gate.sample import Question, recorded_questions
from deploy.gate.scores import log_loss, paired, ranked_probability_score
from deploy.gate.soundness import faults_of
from deploy.place import Place

PROBAS = st.lists(st.floats(0.01, 1.0), min_size=3, max_size=3).map(lambda p: tuple(one / sum(p) for one in p))


def numbers_in(value, path=()):
    """Return where the probabilities of an answer stand."""
    if isinstance(value, dict):
        for key, part in value.items():
            if key not in {"explanation", "metadata", "prediction_set", "probability_intervals", "intervals", "line"}:
                yield from numbers_in(part, (*path, key))
    elif isinstance(value, list):
        for place, part in enumerate(value):
            yield from numbers_in(part, (*path, place))
    elif isinstance(value, float) and path[0] not in {"prediction_time_ms", "expected_goals"}:
        yield path


@pytest.mark.parametrize("answer", [PREDICTION, EXPLAINED_PREDICTION])
def test_a_published_answer_is_sound_and_no_probability_in_it_may_change(answer):
    """
    Every single probability raised by a thousandth, missing, or not a number is a fault.
    """
    places = list(numbers_in(answer))

    assert faults_of(answer) == []
    assert len(places) > 5
    for path in places:
        for wrong in (lambda p: p + 1e-3, lambda _: None, lambda _: math.nan, lambda _: "0.5"):
            changed = copy.deepcopy(answer)
            *above, last = path
            part = changed
            for step in above:
                part = part[step]
            part[last] = wrong(part[last])
            assert faults_of(changed), path


@pytest.mark.parametrize("answer", [None, [], "text", {}, {"home_win_prob": 0.5}])
def test_what_is_no_answer_is_a_fault(answer):
    """
    Whatever a server sends, it is judged and not tripped over.
    """
    assert faults_of(answer)


@given(PROBAS, st.integers(0, 2))
def test_scores_are_lowest_for_certainty_of_what_happened(proba, outcome):
    """
    RPS lies within 0 and 1, and nothing scores better than to have known.
    """
    sure = tuple(float(place == outcome) for place in range(3))

    assert 0.0 == ranked_probability_score(sure, outcome) <= ranked_probability_score(proba, outcome) <= 1.0
    assert log_loss(sure, outcome) <= log_loss(proba, outcome)


@given(st.lists(st.floats(-1.0, 1.0), min_size=2, max_size=50), st.floats(-1.0, 1.0))
def test_a_paired_interval_moves_with_what_is_added(scores, added):
    """
    Scores worse by a constant are worse by just that, for sure.
    """
    difference = paired([one + added for one in scores], scores)

    assert difference.low == pytest.approx(added, abs=1e-6)
    assert difference.high == pytest.approx(added, abs=1e-6)


def pair_of(ours=(0.5, 0.3, 0.2), theirs=(0.5, 0.3, 0.2), *, seconds=(0.01, 0.01), number=0) -> Pair:
    def reply(proba, took):
        home, draw, away = proba
        told = {"home_win_prob": home, "draw_prob": draw, "away_win_prob": away, "confidence": max(proba)}
        told["predicted_outcome"] = ("home_win", "draw", "away_win")[proba.index(max(proba))]
        return Reply(200, told | {"model_name": "m", "model_version": "1"}, "", is_late=False, seconds=took)

    return Pair(Question({"match_id": f"m{number}"}), reply(ours, seconds[0]), reply(theirs, seconds[1]))


@pytest.mark.parametrize(
    ("most", "rest", "verdict"),
    [(0.05, 0.05, "passed"), (0.40, 0.0, "refused"), (0.30, 0.0, "passed"), (0.15, 0.15, "refused")],
)
def test_how_far_an_answer_may_change(most, rest, verdict):
    """
    One match by up to 0.35, one in a hundred by up to 0.1; more is refused with the match that changed most.
    """
    changes = [most, *[rest] * 199]
    pairs = [pair_of((0.5 - one, 0.3, 0.2 + one), number=place) for place, one in enumerate(changes)]

    check = checks.change_check(pairs, bounds_with())

    assert check.verdict == verdict
    assert check.figures["max"] == pytest.approx(most)
    assert ("m0" in check.reason) == (verdict == "refused")


def test_one_slow_round_passes_and_three_do_not():
    """
    A disturbance of the machine is gone the next time; slowness is not.
    """
    bounds = bounds_with(least_slow_median_ms=5.0, least_slow_p99_ms=5.0)
    slow = [pair_of(seconds=(0.03, 0.01))] * 10
    even = [pair_of(seconds=(0.012, 0.01))] * 10

    assert checks.latency_check([slow, even], bounds).verdict == "passed"
    assert "median; p99" in checks.latency_check([slow, slow, slow], bounds).reason


def test_microseconds_do_not_decide():
    """
    Threefold of next to nothing is next to nothing.
    """
    bounds = bounds_with(least_slow_median_ms=5.0, least_slow_p99_ms=50.0)

    assert checks.latency_check([[pair_of(seconds=(0.003, 0.001))] * 10], bounds).verdict == "passed"


def test_an_answer_by_another_model_is_refused():
    """
    A bento that answers with what it does not pin serves something nobody examined.
    """
    assert checks.answers_check([pair_of()], ["m:1"], str).verdict == "passed"
    assert "m:1, which the bento does not pin" in checks.answers_check([pair_of()], ["m:2"], str).reason
    listed = {"models": [{"model_name": "m", "model_version": "1"}]}
    assert checks.model_check(listed, ["m:1"]).verdict == "passed"
    assert checks.model_check(listed, ["m:2"]).reason == "not pinned: m:1"
    assert checks.model_check({"models": []}, ["m:1"]).verdict == "refused"


def test_a_candidate_that_declines_what_the_other_answers_is_refused():
    """
    A match that is unknown to both says nothing; one that only the candidate does not know does.
    """
    declined = Reply(404, None, "status 404", is_late=False, seconds=0.01)
    good = pair_of()

    both = checks.answers_check([good, Pair(good.question, declined, declined)], ["m:1"], str)
    one = checks.answers_check([good, Pair(good.question, declined, good.rival)], ["m:1"], str)
    alone = checks.answers_check([Pair(good.question, declined, None)], ["m:1"], str)

    assert (both.verdict, one.verdict, alone.verdict) == ("passed", "refused", "refused")


def test_questions_are_asked_once_the_newest_first(tmp_path):
    """
    What was asked twice is asked once; what may need the past is told apart by what the answer stood for.
    """
    lines = [
        f'{{"at":"2026-01-0{day}T00:00:00Z","question":{question},"proba":[0.4,0.3,0.3],"model":"m:1","as_of":"{as_of}"}}'
        for day, question, as_of in [
            (1, '{"match_id":"old"}', "2025-01-01T00:00:00Z"),
            (2, '{"model_name":"m","match_id":"new"}', "2026-02-01T00:00:00Z"),
            (3, '{"match_id":"new","model_name":"m"}', "2026-02-01T00:00:00Z"),
        ]
    ]
    (tmp_path / "1.jsonl").write_text("\n".join(lines))

    questions = recorded_questions(tmp_path, 10, "2025-07-01T00:00:00Z")

    assert [(one.body["match_id"], one.is_past) for one in questions] == [("new", False), ("old", True)]
    assert len(recorded_questions(tmp_path, 1, "")) == 1


def test_what_an_examination_left_running_is_ended(tmp_path):
    """
    Processes are found by their BENTOML_HOME, whoever started them; those of other folders are left alone.
    """
    cell = tmp_path / "cell"
    (cell / "slots").mkdir(parents=True)
    sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    left = subprocess.Popen(sleep, env=os.environ | {"BENTOML_HOME": str(cell / "slots" / "blue" / "bentoml")})
    other = subprocess.Popen(sleep, env=os.environ | {"BENTOML_HOME": str(tmp_path / "cell-of-another")})
    end = time.monotonic() + 10.0
    while b"sleep" not in Path(f"/proc/{left.pid}/cmdline").read_bytes() and time.monotonic() < end:
        time.sleep(0.01)

    sweep(cell)

    left.wait(timeout=10)
    assert other.poll() is None
    assert not cell.exists()
    other.kill()
    other.wait()


def test_the_store_is_copied_not_shared(home, tmp_path):
    """
    What a candidate does to its store happens to a copy; a store that cannot be copied is named as it is.
    """
    url = copied_store(home.database_url, tmp_path / "copy.sqlite")

    assert url == f"sqlite:///{tmp_path / 'copy.sqlite'}"
    assert (tmp_path / "copy.sqlite").stat().st_size > 10_000
    assert copied_store("postgresql://server/football", tmp_path / "none") == "postgresql://server/football"


def test_an_examination_that_takes_too_long_is_a_refusal(tmp_path):
    """
    The reason is in the error, in both files and in the journal, and nothing else of the releases has changed.
    """
    place = Place(tmp_path / "releases")
    place.make()
    copy_of_nothing = tmp_path / "copy"
    bento = copy_of_nothing / "bentos" / "football" / "1"
    bento.mkdir(parents=True)
    (bento / "bento.yaml").write_text("models:\n- tag: football:1\n")
    said: list[str] = []
    keeper = Gatekeeper(place, plan_with(""), bounds_with(within_s=0.01), say=said.append)

    with pytest.raises(Refused, match="not done within") as refusal:
        keeper(copy_of_nothing, "football:1")

    assert str(place.reports / "1.txt") in str(refusal.value)
    assert "football:1: REFUSED" in (place.reports / "1.txt").read_text()
    assert "not done within" in state.history(place)[-1]["reasons"][0]
    assert said[0].startswith("REFUSED examination: it was not done")
    assert not place.cell.exists()
    assert not place.state.exists()


def test_what_nobody_vouches_for_is_not_even_started(tmp_path):
    """
    The verification comes first; what it refuses is neither read nor run.
    """

    def verify(folder, _tag):
        raise Refused(f"{folder.name} is not signed")

    keeper = Gatekeeper(Place(tmp_path), plan_with(""), bounds_with(), say=print, verify=verify)

    with pytest.raises(Refused, match="copy is not signed"):
        keeper(tmp_path / "copy", "football:1")


def test_a_report_passes_only_if_something_was_judged_and_nothing_refused():
    """
    Silence is no consent.
    """

    def report(*checks):
        return Report("football:1", None, "2026-01-01T00:00:00Z", 1.0, "cut off", Sample(), checks)

    passed, silent = Check("start", "passed"), Check("score", "not judged", reason="too few")

    assert report(passed, silent).is_passed
    assert not report(silent).is_passed
    assert not report(passed, Check("change", "refused", "0.5", "at most 0.1", "too far")).is_passed
