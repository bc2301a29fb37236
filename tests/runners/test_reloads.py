"""Another version of a model takes the place of the served one in every worker, and no request notices but by the name."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import shutil
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import httpx
import msgspec
import pytest
from model_versions import of_another_python, shelve
from small_world import PROMISED, record, train

from api.application import create_application
from api.caching import Cache
from api.prediction_body import PredictionBody
from api.settings import ApiSettings
from runners.embedded import EmbeddedBackend
from runners.errors import ModelNotFound, ModelUnavailable, ModelVersionNotFound, ReloadIsOff
from runners.further import Further
from runners.ledger import MOST_ATTEMPTS, Agreed, Attempt, Ledger, Settled
from runners.loading import LoadedModel, load
from runners.newest import Lookout
from runners.queries import DescribedMatch, PredictionQuery, as_they_are
from runners.reloads import Reloads
from runners.roll_call import RollCall
from runners.shelf import Shelf
from store.writes import save as store

EPOCH = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def made(days: int):
    """Have a model say that it was made so many days after all others."""
    moment = (dt.datetime.now(dt.UTC) + dt.timedelta(days=days)).isoformat()

    def change(text: str) -> str:
        return (
            "\n".join(
                f"creation_time: '{moment}'" if line.startswith("creation_time:") else line
                for line in text.splitlines()
            )
            + "\n"
        )

    return change


@pytest.fixture(scope="module", autouse=True)
def only_one(home, tmp_path_factory):
    """Have the served version be the only one saved: other files of tests leave theirs in the store of this process."""
    folder, aside = home.folder / "models" / "football", tmp_path_factory.mktemp("others")
    others = [one for one in folder.iterdir() if one.is_dir() and one.name != home.tag.partition(":")[2]]
    for one in others:
        one.rename(aside / one.name)
    yield
    for one in others:
        (aside / one.name).rename(one)


@pytest.fixture(scope="module")
def other(home) -> str:
    """A tag of a model that answers otherwise than the served one."""
    return train(home.matches, until=dt.date(2023, 7, 1), name="spare", seed=3)


@pytest.fixture
def save(home, other, tmp_path):
    """Save a version of football, in one step, that was made so many days after all others; it goes with the test."""
    folder = home.folder / "models" / "football"
    before = set(folder.iterdir())
    aside = SimpleNamespace(folder=tmp_path / "aside")
    (aside.folder / "models").mkdir(parents=True)
    (aside.folder / "models" / "spare").symlink_to(home.folder / "models" / "spare")

    def saved(version: str, days: int, change=lambda text: text) -> str:
        shelve(aside, other, version, lambda text: change(made(days)(text)))
        shutil.rmtree(folder / version, ignore_errors=True)
        (aside.folder / "models" / "football" / version).rename(folder / version)
        return version

    yield saved
    for one in set(folder.iterdir()) - before:
        shutil.rmtree(one)


@pytest.fixture(scope="module")
def loaded(other) -> LoadedModel:
    """A newer version, loaded once for all tests that do not ask how it is loaded."""
    return replace(
        load(other), name="football", version="newer", created_at=dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    )


@pytest.fixture
def first(home) -> str:
    return home.tag.partition(":")[2]


@pytest.fixture
def serve(home, engine, tmp_path):
    """Start a worker; those that are given one folder are of one server."""
    started = []

    def start(shared=None, **changes) -> EmbeddedBackend:
        worker = EmbeddedBackend(str(engine.url), {"football": home.tag}, poll_s=0.05, shared=shared, **changes)
        worker.start()
        started.append(worker)
        return worker

    yield start
    for worker in started:
        worker.stop()


def query(version=None) -> PredictionQuery:
    return PredictionQuery(described=DescribedMatch("Arvenholt", "Brixmoor", "qa.1", PROMISED), model_version=version)


async def ask(backend, version=None):
    return (await backend.written([query(version)], as_they_are))[0]


def put(backend, *models) -> None:
    """Have versions at hand in a worker, as if they had been asked for."""
    for model in models:
        backend.follower.add(model)
        backend.shelf.put(model)


def stats_of(backend) -> Agreed:
    return asyncio.run(backend.reload_record())


def test_the_newest_version_takes_the_place_of_the_served_one(serve, save, first):
    """
    Without a version named, the one made last serves, is listed, and answers by its own numbers; the one before can be asked.
    """
    save("older", -9_000)
    save("newest", 2)
    save("newer", 1)
    told = []
    backend = serve(on_reload=told.append)
    before = asyncio.run(ask(backend))

    done = asyncio.run(backend.reload("default", None))
    after, again = asyncio.run(ask(backend)), asyncio.run(ask(backend, first))

    assert (done.model_version, done.previous_version) == ("newest", first)
    assert (done.workers, done.workers_serving) == (1, 1)
    assert [view.version for view in backend.models()] == [backend.model("football").version] == ["newest"]
    assert (before.model_version, after.model_version, again.model_version) == (first, "newest", first)
    assert [*before.proba] == [*again.proba] != [*after.proba]
    assert backend.condition().status == "healthy"
    assert told == ["successful"]


def test_going_back_loads_nothing(serve, loaded, first):
    """
    What served before is still loaded, also where its files are gone; going back to it is told as a rollback.
    """
    told = []
    backend = serve(on_model=lambda result, _model: told.append(result))
    put(backend, loaded)
    forth, back, again = (asyncio.run(backend.reload("football", version)) for version in ("newer", first, "newer"))
    record = stats_of(backend)

    assert [one.previous_version for one in (forth, back, again)] == [first, "newer", first]
    assert (record.successful, record.failed, record.rollbacks) == (3, 0, 1)
    assert told == []


def test_what_served_before_is_let_go_last(model):
    """
    Where further versions need room, the one to return to stays as long as another can go.
    """
    shelf = Shelf([model], {}, ["football"])
    further = Further(shelf, most=3, add=lambda _: None, remove=lambda _: None)
    shelf.put(replace(model, version="newer"))
    shelf.promote(shelf.find("football", "newer"))
    for version in ("asked-1", "asked-2", "asked-3"):
        further._put(replace(model, version=version))
    further.close()

    assert {version for _, version in shelf.further} == {model.version, "asked-3"}
    assert shelf.find("football").version == "newer"


def test_what_changes_nothing_counts_for_nothing(serve, save, first):
    """
    What serves already is a success that says so; a name or a version that nobody has is the caller's mistake.
    """
    save("older", -9_000)
    backend = serve()
    done = [asyncio.run(backend.reload("football", version)) for version in (None, first)]
    for name, version, failure in (
        ("nope", None, ModelNotFound),
        ("football", "nope", ModelVersionNotFound),
        ("football", "latest", ModelVersionNotFound),
        ("football", "../football/older", ModelVersionNotFound),
    ):
        with pytest.raises(failure):
            asyncio.run(backend.reload(name, version))

    assert [(one.model_version, one.previous_version) for one in done] == [(first, None)] * 2
    assert stats_of(backend) == Agreed()


def test_a_refused_version_changes_nothing(serve, save, first):
    """
    The caller is told which version goes on, answers stay the same, and each attempt counts as failed.
    """
    save("broken", 3, of_another_python)
    told = []
    backend = serve(on_reload=told.append)
    before = asyncio.run(ask(backend))
    for _ in range(2):
        with pytest.raises(ModelUnavailable, match=first) as failure:
            asyncio.run(backend.reload("football", None))
    after, record = asyncio.run(ask(backend)), stats_of(backend)

    assert "2.7" not in failure.value.message
    assert (after.model_version, [*after.proba]) == (first, [*before.proba])
    assert (record.successful, record.failed, record.rollbacks, record.turn) == (0, 2, 0, 0)
    assert [one.model_version for one in record.attempts if one.error] == ["broken", "broken"]
    assert told == ["failed", "failed"]


def test_where_no_version_can_be_loaded_none_is_refused_for_good(model):
    """
    With room for one model, or before the matches are read, a reload is told so, and no version is marked as tried.
    """
    for most, is_ready, reason in ((1, True, "models_loaded"), (2, False, "not read yet")):
        shelf = Shelf([model], {}, ["football"])
        further = Further(shelf, most=most, add=lambda _: None, remove=lambda _: None)
        parts = {"ledger": Ledger(), "roll": RollCall(), "is_allowed": True, "most": most}
        reloads = Reloads(shelf, further, is_ready=partial(bool, is_ready), **parts)
        with pytest.raises(ModelUnavailable, match=reason):
            asyncio.run(reloads.reload("football", None))
        assert asyncio.run(reloads.agreed()) == Agreed()
        reloads.stop()
        further.close()


def test_where_versions_never_change_nothing_does(serve, tmp_path):
    """
    Neither a reload nor watching is possible, and no file is looked at.
    """
    backend = serve(tmp_path / "shared", may_reload=False)
    for work in (backend.reload("football", None), backend.watch_models(is_on=True)):
        with pytest.raises(ReloadIsOff):
            asyncio.run(work)
    asyncio.run(backend.reloads.start(is_watching=True))

    assert not backend.condition().is_watching_models


async def test_every_worker_serves_what_one_was_told(home, serve, save, loaded, tmp_path, first, monkeypatch):
    """
    The answer comes when all workers have followed. One that cannot read the version any more goes on with the one before
    and is counted out; one that starts later begins with what is agreed; going back reaches all of them.
    """
    monkeypatch.setattr("runners.reloads.LOOK_S", 0.02)
    save("newer", 1)
    one, two = (serve(tmp_path / "shared") for _ in range(2))
    put(one, loaded)
    for worker in (one, two):
        await worker.reloads.start(is_watching=False)

    done = await one.reload("football", "newer")
    there = await ask(one), await ask(two)
    late = serve(tmp_path / "shared")
    await late.reloads.start(is_watching=True)
    begun = await ask(late)
    back = await late.reload("football", first)
    again = [await ask(worker) for worker in (one, two, late)]
    records = [await worker.reload_record() for worker in (one, two, late)]
    put(one, replace(loaded, version="gone"))
    partly = await one.reload("football", "gone")

    assert (done.workers, done.workers_serving) == (2, 2)
    assert {answer.model_version for answer in (*there, begun)} == {"newer"}
    assert [*there[0].proba] == [*there[1].proba] == [*begun.proba]
    assert (back.previous_version, back.workers, back.workers_serving) == ("newer", 3, 3)
    assert {answer.model_version for answer in again} == {first}
    assert records[0] == records[1] == records[2]
    assert (records[0].watched_since, records[0].successful) == (None, 2)
    assert (partly.workers, partly.workers_serving) == (3, 1)
    assert [(await ask(worker)).model_version for worker in (one, two, late)] == ["gone", first, first]


def application_of(backend):
    """The API with a cache around a worker, as a client would call it."""
    ends = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)
    cache = Cache(msgspec.msgpack.Decoder(PredictionBody), is_sound=PredictionBody.is_sound, size_of=len)
    settings = ApiSettings(old_api_deprecated_at=EPOCH, old_api_ends_at=ends, deadline_s=10.0)
    application = create_application(backend, settings=settings, cache=cache)
    return application, httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://test")


async def test_no_answer_is_mixed_or_lost_while_versions_change(home, serve, loaded, first):
    """
    Under steady requests, through many changes: every answer is there, has the numbers of the version that it names, and
    is never kept as that of another.
    """
    backend = serve()
    put(backend, loaded)
    _, client = application_of(backend)
    ids = [match_id for match_id, played in zip(home.matches.match_id, home.matches.played, strict=True) if played][
        -40:
    ]
    expected = {(version, one): await numbers(client, one, version) for version in (first, "newer") for one in ids}
    await client.request("DELETE", "/v1/predictions/cache")
    is_over, answers = asyncio.Event(), []

    async def caller(turn):
        for one in itertools.cycle(ids[turn:] + ids[:turn]):
            if is_over.is_set():
                return
            force = {"force_recalculate": len(answers) % 3 == 0}
            answers.append((one, await client.post(f"/v1/predictions/default/{one}", json=force)))

    callers = [asyncio.create_task(caller(turn)) for turn in range(4)]
    for version in ["newer", first] * 6:
        await backend.reload("football", version)
    is_over.set()
    await asyncio.gather(*callers)

    assert {response.status_code for _, response in answers} == {200}
    named = Counter(response.json()["model_version"] for _, response in answers)
    assert set(named) == {first, "newer"}
    for one, response in answers:
        assert numbers_in(response.json()) == expected[response.json()["model_version"], one]
    for (version, one), told in expected.items():  # what was kept meanwhile is still each version's own
        assert await numbers(client, one, version) == told


async def numbers(client, match_id, version):
    answer = (await client.post(f"/v1/predictions/football/{match_id}", json={"model_version": version})).json()
    assert answer["model_version"] == version
    return numbers_in(answer)


def numbers_in(answer):
    return answer["home_win_prob"], answer["draw_prob"], answer["away_win_prob"]


async def test_a_question_asked_before_a_change_keeps_to_its_version(serve, loaded, first, home):
    """
    An answer that is computed after the version has changed is that of the version under which it is kept.
    """
    backend = serve()
    put(backend, loaded)
    _, client = application_of(backend)
    match_id = home.matches.match_id[-1]
    asked = asyncio.create_task(client.post(f"/v1/predictions/default/{match_id}"))
    while not backend._predictor._batcher.queued:  # noqa: ASYNC110 - turn by turn, so that it is not answered meanwhile
        await asyncio.sleep(0)
    backend.shelf.promote(backend.shelf.find("football", "newer"))
    answer = (await asked).json()
    again = (await client.post(f"/v1/predictions/default/{match_id}", json={"model_version": first})).json()

    assert (again["cached"], again["model_version"]) == (True, first)
    assert numbers_in(answer) == numbers_in(again)


async def test_fixtures_are_warm_when_a_version_begins_to_serve(serve, loaded, engine, first):
    """
    The first question about a match to come is answered from the cache right after a reload; a model that cannot be
    warmed serves all the same.
    """
    tomorrow = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    store(engine, [record("qa.1", "2025-26", tomorrow, "Hexley", "Dunmere")], may_register_teams=True)
    backend = serve()
    put(backend, loaded)
    application, client = application_of(backend)
    backend.reloads.prepare = lambda name, version: application.warm(10, model_name=name, model_version=version)
    (coming,) = (await client.get("/v1/fixtures", params={"from": dt.datetime.now(dt.UTC).date()})).json()["matches"]
    await backend.reload("default", "newer")
    answer = (await client.post(f"/v1/predictions/default/{coming['match_id']}")).json()
    backend.reloads.prepare = None
    back = await backend.reload("default", first)

    assert (answer["cached"], answer["model_version"]) == (True, "newer")
    assert back.model_version == first


@pytest.fixture
def watching(serve, monkeypatch):
    """Start a worker that looks all the time, and for which files have come to rest at once."""
    monkeypatch.setattr("runners.reloads.LOOK_S", 0.01)

    async def start(**changes):
        backend = serve(**changes)
        backend.reloads._lookout = Lookout(rest_s=0.0)
        await backend.reloads.start(is_watching=True)
        return backend

    return start


async def until(claim, *, seconds=20.0):
    end = asyncio.get_running_loop().time() + seconds
    while not await claim():
        assert asyncio.get_running_loop().time() < end, "it did not come to be"
        await asyncio.sleep(0.02)


async def serves(backend, version):
    await until(lambda: _is(backend, version))


async def _is(backend, version):
    return backend.model("football").version == version


async def looks(backend, count=5):
    """Let the worker look so many times."""
    told = []
    rested = backend.reloads._lookout.rested
    backend.reloads._lookout.rested = lambda name: told.append(name) or rested(name)

    async def enough():
        return len(told) >= count

    await until(enough)
    backend.reloads._lookout.rested = rested


async def test_a_newer_version_is_served_as_it_is_saved(watching, save, first):
    """
    While the store is watched a newer version serves by itself, an older one or one that was left behind does not.
    A refused one is tried once, and again only when its files have changed.
    """
    backend = await watching()
    save("older", -9_000)
    await looks(backend)
    before = backend.model("football").version
    await backend.reload("football", "older")
    await looks(backend)
    stayed = backend.model("football").version
    await backend.reload("football", first)
    save("broken", 1, of_another_python)
    await until(lambda: _has_failed(backend))
    await looks(backend)
    once = await backend.reload_record()
    save("broken", 1)
    await serves(backend, "broken")
    await backend.reload("football", first)
    await looks(backend)
    left = backend.model("football").version
    save("newest", 2)
    await serves(backend, "newest")
    await backend.watch_models(is_on=False)
    save("ignored", 3)
    await asyncio.sleep(0.1)
    record = await backend.reload_record()

    assert (before, stayed, left) == (first, "older", first)
    assert (once.failed, once.successful) == (1, 2)
    assert backend.model("football").version == "newest"
    assert (record.successful, record.failed, record.rollbacks) == (5, 1, 2)


async def _has_failed(backend):
    return (await backend.reload_record()).failed == 1


def test_a_version_is_whole_once_its_files_rest(home, save):
    """
    Every change of a file begins the wait anew, as does a newer version; what does not say when it was made is none.
    """
    now = [0.0]
    lookout = Lookout(clock=lambda: now[0])
    save("newer", 1)
    file = home.folder / "models" / "football" / "newer" / "custom_objects.pkl"
    seen = []
    for seconds, is_written in ((0.0, False), (1.9, True), (3.8, False), (4.0, False)):
        now[0] = seconds
        if is_written:
            file.write_bytes(file.read_bytes() + b"x")
        seen.append(lookout.rested("football"))
    save("newest", 2)
    seen.append(lookout.rested("football"))
    save("undated", 3, lambda text: text.replace("creation_time:", "made:"))
    now[0] = 7.0
    seen.append(lookout.rested("football"))

    assert [one and one.version for one in seen] == [None, None, None, "newer", None, "newest"]
    assert lookout.newest("nothing") is None


def test_a_worker_that_has_ended_is_not_waited_for(tmp_path):
    """
    Its lock is gone, so it is heard no more, and another may lead.
    """
    one, two = RollCall(tmp_path), RollCall(tmp_path)
    one.say(1, is_done=True)
    two.say(0, is_done=True)
    both, leads = sorted(one.heard()), (one.leads(), two.leads(), one.leads())
    one.close()

    assert both == [(0, True), (1, True)]
    assert leads == (True, False, True)
    assert two.heard() == [(0, True)]
    assert two.leads()
    two.close()


def test_a_killed_worker_is_not_waited_for(tmp_path):
    """
    The kernel takes its lock back.
    """
    program = (
        "import sys, time; from pathlib import Path; from runners.roll_call import RollCall\n"
        "call = RollCall(Path(sys.argv[1])); call.say(7, is_done=True); call.leads(); print('here', flush=True); time.sleep(60)"
    )
    worker = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    worker.stdout.readline()
    call = RollCall(tmp_path)
    alive, leads = call.heard(), call.leads()
    worker.kill()
    worker.wait()
    worker.stdout.close()

    assert (alive, leads) == ([(7, True)], False)
    assert (call.heard(), call.leads()) == ([], True)
    call.close()


def test_changes_of_many_workers_all_count(tmp_path):
    """
    What is agreed is changed by one at a time, seen as news by the others, and remembers a bounded past.
    """
    ledgers = [Ledger(tmp_path) for _ in range(4)]
    attempt = Attempt(at=EPOCH, model_name="football", model_version="v", seconds=0.1)
    newest = Settled(version="v", created_at=EPOCH)

    def change(ledger):
        for _ in range(40):
            ledger.change(lambda agreed: agreed.moved(attempt, newest, is_rollback=False))

    with ThreadPoolExecutor(len(ledgers)) as threads:
        list(threads.map(change, ledgers))
    news = [ledger.is_news() for ledger in ledgers]
    read = [ledger.read() for ledger in ledgers]

    assert news == [True] * 4
    assert {(one.turn, one.successful, len(one.attempts)) for one in read} == {(160, 160, MOST_ATTEMPTS)}
    assert not any(ledger.is_news() for ledger in ledgers)
