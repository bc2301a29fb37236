"""The backend follows the store, takes results in, and goes on serving when the store is gone."""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from small_world import PROMISED, record

from runners import follower as following
from runners.embedded import EmbeddedBackend
from runners.errors import ModelUnavailable
from runners.queries import DescribedMatch, Forecast, PredictionQuery, ReceivedResult
from store.database import open_store
from store.reads import read_directory
from store.writes import save

NEXT = PROMISED + dt.timedelta(days=7)


def wait_for(claim, *, seconds=10.0) -> None:
    end = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.01)


def known(backend) -> int:
    world = backend.follower.world
    return next(iter(world.timelines.values())).own.current.matches_known


def receive(backend, *rows):
    return asyncio.run(backend.receive(rows))


def fixture_ids(engine) -> dict:
    return {row.competition: row.match_id for row in read_directory(engine) if row.status == "scheduled"}


def result(match_id=None, **changes) -> ReceivedResult:
    told = {"status": "played", "match_id": match_id, "home_goals": 2, "away_goals": 1}
    return ReceivedResult(**(told | changes))


def test_a_result_in_the_store_reaches_the_features(backend, engine):
    """
    A result that someone ingests moves the state, the snapshot and the version that answers carry.
    """
    before = backend.condition()
    save(engine, [record("qa.1", "2025-26", PROMISED, "Arvenholt", "Brixmoor", [1, 0])], may_register_teams=True)

    wait_for(lambda: backend.condition().feature_state_version != before.feature_state_version)

    assert backend.condition().newest_result_at == PROMISED
    assert backend.match(fixture_id := backend.predict_now([described()])[0].match.match_id).home_goals == 1
    assert fixture_id is not None


def described() -> PredictionQuery:
    return PredictionQuery(described=DescribedMatch("Arvenholt", "Brixmoor", "qa.1", PROMISED))


def test_posted_results_are_taken_in_and_served(backend, engine):
    """
    Results by id and by names are inserted or updated, and posting them again changes nothing.
    """
    ids = fixture_ids(engine)
    rows = [
        result(ids["qa.1"]),
        result(ids["qb.1"], kickoff=NEXT),
        result(competition="qc.1", home_team="Quarry", away_team="Rothbach", kickoff=NEXT),
        result(None, competition="qc.1", season="2025-26", home_team="Silberau", away_team="Tannwald", kickoff=NEXT,
               status="scheduled", home_goals=None, away_goals=None, is_neutral_venue=True),
    ]  # fmt: skip
    before = known(backend)

    first = receive(backend, *rows)
    wait_for(lambda: known(backend) == before + 3)
    again = receive(backend, *rows)

    assert [outcome.outcome for outcome in first] == ["updated", "updated", "inserted", "inserted"]
    assert [outcome.outcome for outcome in again] == ["unchanged"] * 4
    assert [outcome.match_id for outcome in first] == [outcome.match_id for outcome in again]
    assert backend.match(first[2].match_id).season == "2025-26"
    assert backend.match(first[3].match_id).is_neutral_venue


def test_results_do_not_queue_behind_replays(backend, engine):
    """
    With every thread of the event loop's own pool busy, posted results are still taken in.
    """
    release = threading.Event()

    async def post():
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(1))
        busy = loop.run_in_executor(None, release.wait)
        try:
            return await asyncio.wait_for(backend.receive([result(fixture_ids(engine)["qa.1"])]), 20.0)
        finally:
            release.set()
            await busy

    outcomes = asyncio.run(post())

    assert [outcome.outcome for outcome in outcomes] == ["updated"]


def test_a_row_that_repeats_another_is_counted_once(backend, engine):
    """
    Of two equal rows in one post the first is taken, the second changes nothing.
    """
    row = result(fixture_ids(engine)["qa.1"])

    assert [outcome.outcome for outcome in receive(backend, row, row)] == ["updated", "unchanged"]


def test_a_corrected_result_is_replayed(backend, engine):
    """
    A posted correction of a posted result updates it and leads to another state.
    """
    match_id = fixture_ids(engine)["qa.1"]
    receive(backend, result(match_id))
    wait_for(lambda: backend.match(match_id).home_goals == 2)
    before = backend.condition().feature_state_version

    outcome = receive(backend, result(match_id, home_goals=0))[0]

    assert outcome.outcome == "updated"
    wait_for(lambda: backend.condition().feature_state_version != before)
    assert backend.match(match_id).home_goals == 0


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"match_id": "nothing"}, "$.match_id"),
        ({"competition": "qa.1", "home_team": "Arvenholt"}, "$.away_team"),
        ({"competition": "zz.1", "home_team": "Arvenholt", "away_team": "Brixmoor"}, "$.competition"),
        ({"competition": "qa.1", "home_team": "Arvenhold", "away_team": "Brixmoor"}, "$.home_team"),
        (
            {"competition": "qa.1", "home_team": "Hexley", "away_team": "Dunmere", "season": "soon", "kickoff": NEXT},
            "$.season",
        ),
        ({"competition": "qa.1", "home_team": "Hexley", "away_team": "Dunmere"}, "$.kickoff"),
        (
            {"competition": "qa.1", "home_team": "Hexley", "away_team": "Dunmere", "kickoff": NEXT, "home_goals": 99},
            None,
        ),
    ],
)
def test_a_refused_row_says_why_and_harms_no_other(backend, engine, changes, path):
    """
    A row that cannot be taken names its field; the good row beside it is taken.
    """
    refused, taken = receive(backend, result(**changes), result(fixture_ids(engine)["qa.1"]))

    assert (refused.outcome, refused.path) == ("refused", path)
    assert refused.reason
    assert taken.outcome == "updated"


@pytest.mark.parametrize(
    "changes", [{"competition": "qb.1"}, {"season": "2019-20"}, {"home_team": "Hexley"}, {"away_team": "Hexley"}]
)
def test_a_row_that_contradicts_the_match_it_names_is_refused(backend, engine, changes):
    """
    What a row says beside a match id must be that match's.
    """
    outcome = receive(backend, result(fixture_ids(engine)["qa.1"], **changes))[0]

    assert outcome.outcome == "refused"
    assert outcome.path == f"$.{next(iter(changes))}"


def test_a_row_may_repeat_what_the_match_it_names_is(backend, engine):
    """
    Names beside a match id that are its own are no contradiction.
    """
    row = result(fixture_ids(engine)["qa.1"], competition="qa.1", home_team="Arvenholt", away_team="Brixmoor")

    assert receive(backend, row)[0].outcome == "updated"


def test_a_score_of_another_source_is_not_overwritten(backend, engine):
    """
    A posted score that contradicts the one of a source is refused by the store, with its reason.
    """
    played = next(row for row in read_directory(engine) if row.status == "played")

    outcome = receive(backend, result(played.match_id, home_goals=played.home_goals + 1, away_goals=played.away_goals))[
        0
    ]

    assert outcome.outcome == "refused"
    assert "the first score is kept" in outcome.reason


def test_a_store_that_is_gone_harms_no_forecast(backend, engine, home):
    """
    With its file deleted the service answers as before, counts the failures, and sees a new file in its place.
    """
    file = Path(engine.url.database)
    content = file.read_bytes()
    for part in file.parent.glob("matches.sqlite*"):
        part.unlink()
    wait_for(lambda: backend.follower.failures > 1)

    assert isinstance(backend.predict_now([described()])[0], Forecast)
    assert backend.condition().status == "healthy"
    assert not file.exists()
    file.write_bytes(content)
    other = open_store(str(engine.url))
    save(other, [record("qa.1", "2025-26", PROMISED, "Arvenholt", "Brixmoor", [3, 3])], may_register_teams=True)
    other.dispose()
    wait_for(lambda: backend.condition().newest_result_at == PROMISED)


def test_a_store_that_stays_away_degrades_the_service(home, tmp_path):
    """
    After a while without the store the condition says so.
    """
    folder = tmp_path / "no" / "folder"
    folder.parent.write_text("a file where a folder should be")
    failures = []
    backend = EmbeddedBackend(
        f"sqlite:///{folder}/m.sqlite", {"football": home.tag}, poll_s=0.05, on_store_failure=lambda: failures.append(1)
    )
    backend.start()

    assert not backend.is_ready
    assert backend.condition().status == "unhealthy"
    assert failures
    with pytest.raises(ModelUnavailable):
        backend.competitions()
    backend.follower._failing_since -= following.UNREACHABLE_AFTER_S
    assert backend.follower.is_unreachable
    assert any(reason.startswith("store_unreachable") for reason in backend.condition().reasons)
    backend.stop()


def test_a_younger_store_in_the_same_place_is_read_anew(backend, engine, home):
    """
    A store whose revision went back is another one: it is read from its beginning.
    """
    file = Path(engine.url.database)
    for part in file.parent.glob("matches.sqlite*"):
        part.unlink()
    wait_for(lambda: backend.follower.failures > 0)
    open_store(str(engine.url)).dispose()

    wait_for(lambda: len(backend.follower.world.snapshot) == 0)

    assert backend.condition().status == "degraded"
    assert backend.condition().reasons[0].startswith("store_incomplete")


def test_the_backend_shows_models_matches_and_itself(backend):
    """
    Everything that the API may ask is answered from memory.
    """
    condition = backend.condition()

    assert backend.is_ready
    assert condition.status == "healthy"
    assert condition.memory_bytes > 50_000_000
    assert [view.name for view in backend.models()] == ["football"]
    assert backend.model("default") == backend.models()[0]
    assert [competition.code for competition in backend.competitions()] == ["qa.1", "qb.1", "qc.1"]
    assert len(backend.teams("qa.1")) == 8
    page = backend.fixtures(
        competition=None, earliest=None, latest=None, team=None, status="scheduled", offset=0, limit=1
    )
    assert (page.total, page.next_offset) == (2, 1)


def test_a_worker_is_prompt_once_old_matches_are_at_hand(home, engine):
    """
    A worker that has read the store, but not replayed its past, is not to be sent requests yet.
    """
    backend = EmbeddedBackend(str(engine.url), {"football": home.tag}, poll_s=1.0)
    backend.start()
    was_prompt = backend.is_prompt
    was_recalled = backend.follower.world.is_past_recalled  # looked at later, so that it may only be truer

    assert backend.is_ready
    assert was_recalled or not was_prompt
    wait_for(lambda: backend.is_prompt)
    assert backend.follower.world.is_past_recalled
    backend.stop()


def test_a_refused_model_makes_the_service_unhealthy(home, engine):
    """
    Without any model nothing can be predicted, and the reasons name the model.
    """
    backend = EmbeddedBackend(str(engine.url), {"football": "football:nowhere"}, poll_s=1.0)
    backend.start()

    assert not backend.is_ready
    assert backend.condition().status == "unhealthy"
    assert backend.condition().reasons[0] == "model_refused: football is not served"
    answer = backend.predict_now([described()])[0]
    assert isinstance(answer, ModelUnavailable)
    backend.stop()


def test_stopping_twice_or_before_the_start_is_harmless(home, engine):
    """
    A follower that never ran can be stopped.
    """
    backend = EmbeddedBackend(str(engine.url), {"football": home.tag}, poll_s=1.0)

    backend.stop()
    backend.stop()

    assert backend.follower.world is None
