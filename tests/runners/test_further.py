"""Further versions of a served model are loaded when asked for, without harm to anybody, and let go for others."""

from __future__ import annotations

import asyncio
import datetime as dt
import shutil
import threading
import time
from dataclasses import replace

import pytest
from model_versions import of_another_python, shelve
from small_world import PROMISED, record, train

from runners.embedded import EmbeddedBackend
from runners.errors import ModelNotFound, ModelUnavailable, ModelVersionNotFound, Overloaded
from runners.follower import Follower
from runners.further import MOST_WAITING, REMEMBERED_S, Further
from runners.loading import ModelRefused, load
from runners.queries import DescribedMatch, Forecast, PredictionQuery, as_they_are
from runners.saved import is_saved
from runners.shelf import Shelf
from store.errors import StoreUnavailable
from store.writes import save

COPIES = ("copy-1", "copy-2", "copy-3", "copy-4")


@pytest.fixture(scope="module", autouse=True)
def home_left_as_it_was(home):
    """Take what these tests save out of the home that all tests share: BentoML lists nothing while one model is odd."""
    folder = home.folder / "models" / "football"
    before = set(folder.iterdir())
    yield
    for version in set(folder.iterdir()) - before:
        shutil.rmtree(version)


@pytest.fixture(scope="module")
def versions(home) -> dict[str, str]:
    """Tags by version: one of an earlier cut-off, copies of the served one, and one that does not fit."""
    spare = train(home.matches, until=dt.date(2023, 7, 1), name="spare", seed=3)
    tags = {"earlier": shelve(home, spare, "earlier"), "broken": shelve(home, home.tag, "broken", of_another_python)}
    return tags | {version: shelve(home, home.tag, version) for version in COPIES}


class Kept(list):
    """What a backend told of further versions: the result, and the version where there is one."""

    def __call__(self, result, model) -> None:
        self.append((result, None if model is None else model.version))


@pytest.fixture
def told() -> Kept:
    return Kept()


@pytest.fixture
def serve(home, engine, told):
    """Start a backend with room for so many models."""
    started = []

    def start(most: int = 10, tag: str = home.tag) -> EmbeddedBackend:
        backend = EmbeddedBackend(str(engine.url), {"football": tag}, poll_s=0.05, most_models=most, on_model=told)
        started.append(backend)
        backend.start()
        return backend

    yield start
    for backend in started:
        backend.stop()


def query(version=None, **changes) -> PredictionQuery:
    described = DescribedMatch("Arvenholt", "Brixmoor", "qa.1", PROMISED)
    return PredictionQuery(described=described, model_version=version, **changes)


async def ask(backend, version):
    await backend.have("default", version)
    return (await backend.written([query(version, explain=True)], as_they_are))[0]


def have(backend, *asked: str) -> None:
    for version in asked:
        asyncio.run(backend.have("football", version))


def loaded(backend) -> set[str]:
    return {version for _, version in backend.shelf.further}


def test_a_further_version_gives_its_own_numbers(serve, versions):
    """
    An older version answers beside the served one what it answers where it is the served one.
    """
    backend, alone = serve(), serve(tag=versions["earlier"])

    answer = asyncio.run(ask(backend, "earlier"))
    served = asyncio.run(ask(backend, None))
    expected = alone.predict_now([query(explain=True)])[0]

    assert answer.model_version == expected.model_version == "earlier"
    assert served.model_version != "earlier"
    assert [*answer.proba] == [*expected.proba] != [*served.proba]
    assert answer.explanation == expected.explanation
    assert answer.feature_state_version == expected.feature_state_version
    assert backend.version_of("football", "earlier")[1] != backend.version_of("football", None)[1]
    assert backend.version_of("football", "earlier")[1] == alone.version_of("football", None)[1]
    assert [view.version for view in backend.models()] == [served.model_version]


def test_loading_a_version_leaves_the_answers_of_others_as_they_were(serve, versions):
    """
    What an answer of the served model depends on does not change with the versions beside it.
    """
    backend = serve()
    before = backend.version_of("football", None)

    have(backend, "copy-1")

    assert backend.version_of("football", None) == before


def test_the_served_version_needs_no_loading(serve, home, told):
    """
    The version that is served, by its name or by none, is there already.
    """
    backend = serve()
    have(backend, home.tag.partition(":")[2])
    asyncio.run(backend.have("default", None))

    assert told == []


NOT_THERE = ["v0", "latest", "copy", "COPY-1", "../football/copy-1", "copy-1/", "copy-1\n", "", "*", "a" * 200, "c\x00"]


def test_a_version_that_the_store_lacks_is_not_found(serve, versions, told):
    """
    Only the exact text of a stored version is one: no word, no beginning of one, no path; the loaded ones are told.
    """
    backend = serve()
    have(backend, "copy-2")

    for version in NOT_THERE:
        with pytest.raises(ModelVersionNotFound) as failure:
            have(backend, version)
        assert failure.value.details["known_versions"][1:] == ["copy-2"], version
        assert not is_saved("football", version), version
    assert told == [("loaded", "copy-2"), *[("not_found", None)] * len(NOT_THERE)]


def test_a_model_that_is_not_served_is_not_looked_for(serve, versions):
    """
    The model store may hold other models; only the served ones have further versions.
    """
    backend = serve()
    with pytest.raises(ModelNotFound):
        asyncio.run(backend.have("spare", "earlier"))


def test_a_version_that_does_not_fit_is_refused_once_a_minute(home, versions, told, caplog):
    """
    A refusal is logged once and told to all who ask within a minute; then the version is tried again.
    """
    now = [0.0]
    shelf = Shelf.load({"football": home.tag})
    further = Further(shelf, most=10, add=lambda _: None, remove=lambda _: None, on_model=told, clock=lambda: now[0])
    for seconds in (0.0, REMEMBERED_S - 1.0, REMEMBERED_S + 1.0):
        now[0] = seconds
        with pytest.raises(ModelUnavailable) as failure:
            asyncio.run(further.have("football", "broken"))
        assert "2.7" not in failure.value.message
    further.close()

    assert told == [("refused", None)] * 2
    assert [line.message for line in caplog.records if line.levelname == "ERROR"] == ["model refused"] * 2


def test_a_version_that_cannot_be_added_is_refused(home, versions, told):
    """
    Whatever goes wrong on the way is the version's own failure, and the next one can be loaded.
    """

    def fail(model) -> None:
        if model.version == "copy-1":
            raise RuntimeError("no room on the disk")

    further = Further(Shelf.load({"football": home.tag}), most=10, add=fail, remove=lambda _: None, on_model=told)
    with pytest.raises(ModelUnavailable):
        asyncio.run(further.have("football", "copy-1"))
    asyncio.run(further.have("football", "copy-2"))
    further.close()

    assert told == [("refused", None), ("loaded", "copy-2")]


def test_the_version_asked_least_recently_is_let_go(serve, versions, told):
    """
    With room for two further versions, the third takes the place of the one that was asked longest ago.
    """
    backend = serve(most=3)
    have(backend, "copy-1", "copy-2")
    asyncio.run(ask(backend, "copy-1"))

    have(backend, "copy-3")
    wait_for(lambda: len(backend.follower.world.timelines) == 3)

    assert loaded(backend) == {"copy-1", "copy-3"}
    assert told[-2:] == [("evicted", "copy-2"), ("loaded", "copy-3")]
    assert "football:copy-2" not in backend.follower.world.timelines
    with pytest.raises(ModelVersionNotFound):
        backend.version_of("football", "copy-2")
    assert isinstance(asyncio.run(ask(backend, "copy-2")), Forecast)


def wait_for(claim, *, seconds=10.0) -> None:
    end = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.01)


def test_what_is_kept_of_a_version_goes_with_it(serve, versions):
    """
    A version that is let go leaves no runner behind.
    """
    backend = serve(most=2)
    asyncio.run(ask(backend, "copy-1"))
    asyncio.run(ask(backend, "copy-2"))

    assert "football:copy-1" not in backend._predictor._runners
    assert "football:copy-2" in backend._predictor._runners


def test_pinned_models_stay_and_count(serve, versions, home):
    """
    Where the served models fill the room, no further version is loaded, and the served ones answer.
    """
    backend = serve(most=1)
    with pytest.raises(ModelVersionNotFound):
        have(backend, "copy-1")

    assert asyncio.run(ask(backend, None)).model_version == home.tag.partition(":")[2]


def test_a_version_with_questions_waiting_is_not_let_go(home, versions, told):
    """
    The next idle version goes instead; where all are being asked, the newcomer is told to come again.
    """
    asked, removed = {"football:copy-1"}, []
    further = Further(
        Shelf.load({"football": home.tag}),
        most=3,
        add=lambda _: None,
        remove=removed.append,
        is_asked=asked.__contains__,
        on_model=told,
    )
    for version in ("copy-1", "copy-2", "copy-3"):
        asyncio.run(further.have("football", version))
    asked.add("football:copy-3")
    with pytest.raises(Overloaded):
        asyncio.run(further.have("football", "copy-4"))
    further._thread.shutdown(wait=True)

    assert [one for one in told if one[0] == "evicted"] == [("evicted", "copy-2")]
    assert removed == ["football:copy-2", "football:copy-4"]


async def test_callers_of_one_version_share_one_load(serve, versions, told):
    """
    Many who ask at once for the same version wait for one load.
    """
    backend = serve()
    answers = await asyncio.gather(*(ask(backend, "copy-1") for _ in range(8)))

    assert {answer.model_version for answer in answers} == {"copy-1"}
    assert told == [("loaded", "copy-1")]


async def test_a_caller_who_leaves_does_not_end_the_load(serve, versions, told):
    """
    The first caller's cancellation is his own; the one who joined him gets the version.
    """
    backend = serve()
    first = asyncio.create_task(backend.have("football", "copy-1"))
    second = asyncio.create_task(backend.have("football", "copy-1"))
    await asyncio.sleep(0)
    first.cancel()
    await second

    assert first.cancelled()
    assert loaded(backend) == {"copy-1"}


async def test_what_nobody_waits_for_any_more_is_not_loaded(home, versions, told):
    """
    A load that has not begun when its last caller leaves is not begun; a later caller gets one of his own.
    """
    gate = threading.Event()
    further = Further(
        Shelf.load({"football": home.tag}), most=10, add=lambda _: gate.wait(20), remove=lambda _: None, on_model=told
    )
    first = asyncio.create_task(further.have("football", "copy-1"))
    second = asyncio.create_task(further.have("football", "copy-2"))
    await asyncio.sleep(0.05)
    second.cancel()
    await asyncio.sleep(0)
    gate.set()
    await first
    await asyncio.sleep(0.2)
    assert told == [("loaded", "copy-1")]
    await further.have("football", "copy-2")
    further.close()

    assert told == [("loaded", "copy-1"), ("loaded", "copy-2")]


async def test_more_callers_than_may_wait_are_refused(home, versions):
    """
    Beyond the callers that may wait, the next one is told at once to come again.
    """
    gate = threading.Event()
    further = Further(Shelf.load({"football": home.tag}), most=10, add=lambda _: gate.wait(20), remove=lambda _: None)
    waiting = [asyncio.create_task(further.have("football", "copy-1")) for _ in range(MOST_WAITING)]
    await asyncio.sleep(0.05)
    with pytest.raises(Overloaded):
        await further.have("football", "copy-2")
    gate.set()
    await asyncio.gather(*waiting)
    await further.have("football", "copy-2")
    further.close()


async def test_others_are_answered_while_a_version_loads(serve, versions):
    """
    The served model answers before a version that is being loaded does.
    """
    backend = serve()
    order = []

    async def noted(version):
        await ask(backend, version)
        order.append(version)

    await asyncio.gather(noted("earlier"), noted(None))

    assert order == [None, "earlier"]


@pytest.mark.parametrize("arithmetic", [None, "of its own"])
def test_results_that_come_during_a_load_reach_the_new_model(engine, model, versions, arithmetic):
    """
    A result saved while timelines are begun is known to the new model, whether it shares timelines or has its own.
    """
    follower = Follower(str(engine.url), [model], poll_s=1.0)
    follower.look()
    newcomer = load(versions["earlier"])
    newcomer = newcomer if arithmetic is None else replace(newcomer, arithmetic=arithmetic)
    with follower._making:
        adding = threading.Thread(target=follower.add, args=(newcomer,))
        adding.start()
        adding.join(2.0)
        save(engine, [record("qa.1", "2025-26", PROMISED, "Arvenholt", "Brixmoor", [1, 0])], may_register_teams=True)
        follower._read()
    adding.join(20.0)
    follower.stop()
    pinned, further = (follower.world.timelines[tag].own for tag in (model.tag, newcomer.tag))

    assert (pinned is further) == (arithmetic is None)
    assert pinned.current.matches_known == 841
    assert further.current.digest == pinned.current.digest


def test_timelines_are_shared_only_where_they_are_the_same(engine, model, versions):
    """
    Models of one arithmetic and the same competitions share; any other has timelines of its own, of the same bits.
    """
    follower = Follower(str(engine.url), [model], poll_s=1.0)
    follower.look()
    earlier = load(versions["earlier"])
    narrow = replace(earlier, version="narrow", artifact=replace(earlier.artifact, competitions=["qa.1"]))
    large = replace(earlier, version="large", artifact=replace(earlier.artifact, data_matches=5_000))
    other = replace(earlier, version="other", arithmetic="other")
    for one in (earlier, narrow, large, other):
        follower.add(one)
    lines = follower.world.timelines
    follower.stop()

    assert lines[earlier.tag] is lines[model.tag]
    assert len({id(one) for one in lines.values()}) == 4
    assert lines[large.tag].own.degraded
    assert lines[narrow.tag].wide is not None
    pinned, own = lines[model.tag].own, lines[other.tag].own
    for row in range(0, len(pinned.table), 7):
        assert pinned.described(row).version == own.described(row).version
        assert pinned.described(row).values.tobytes() == own.described(row).values.tobytes()


def test_a_model_cannot_join_before_the_store_was_read(engine, model):
    """
    Without a world there is nothing to join.
    """
    follower = Follower(str(engine.url), [], poll_s=1.0)
    with pytest.raises(StoreUnavailable):
        follower.add(model)
    follower.stop()


def test_without_matches_no_version_is_loaded(home, versions, tmp_path):
    """
    A backend that has not read the matches says so, rather than loading models that could not answer.
    """
    (tmp_path / "no").write_text("a file where a folder should be")
    backend = EmbeddedBackend(f"sqlite:///{tmp_path}/no/folder/m.sqlite", {"football": home.tag}, poll_s=1.0)
    with pytest.raises(ModelUnavailable):
        asyncio.run(backend.have("football", "copy-1"))
    backend.stop()


def test_a_version_that_vanishes_is_not_found(home, told):
    """
    A version that was deleted between the look and the load is not found rather than refused.
    """
    shelve(home, home.tag, "vanishing")
    folder = home.folder / "models" / "football" / "vanishing"
    further = Further(
        Shelf.load({"football": home.tag}), most=10, add=lambda _: None, remove=lambda _: None, on_model=told
    )

    async def ask_and_delete():
        asked = asyncio.create_task(further.have("football", "vanishing"))
        further._thread.submit(lambda: [file.unlink() for file in folder.iterdir()])
        await asked

    with pytest.raises(ModelVersionNotFound):
        asyncio.run(ask_and_delete())
    further.close()
    assert told == [("not_found", None)]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: text + "]", "is no YAML"),
        (lambda text: text.replace("version: odd", "version: other", 1), "is of football:other"),
        (lambda text: text.replace("creation_time:", "created:", 1), "creation_time"),
    ],
)
def test_a_model_that_does_not_say_what_it_is_is_refused(home, change, reason):
    """
    What a model says of itself must be readable, and be of the place where it lies.
    """
    tag = shelve(home, home.tag, "odd", change)

    with pytest.raises(ModelRefused, match=reason):
        load(tag)
