"""``@cached`` behaves as who puts it before a function expects."""

from __future__ import annotations

import asyncio
import inspect
import time
from dataclasses import dataclass

import msgspec
import pytest

from api.caching import cached


class Forecast(msgspec.Struct):
    """An answer that a caller could change."""

    match_id: str
    p_home: float
    notes: list[str] = []
    kickoff: float | None = None


@pytest.fixture
def calls():
    return []


@pytest.fixture
def predict(calls):
    @cached(ttl_s=60, force="force_recalculate")
    async def predict(match_id: str, odds: float = 2.0, *, force_recalculate: bool = False) -> Forecast:
        """Predict one match."""
        calls.append(match_id)
        await asyncio.sleep(0)
        if match_id == "unknown":
            raise LookupError("no such match")
        return Forecast(match_id, 1 / odds)

    return predict


async def test_equal_arguments_are_computed_once_however_they_are_given(predict, calls):
    """
    By position, by name, with a default left out or written; other arguments are other answers.
    """
    answers = [await predict("7"), await predict(match_id="7"), await predict("7", 2.0), await predict("7", odds=2.0)]

    assert answers == [Forecast("7", 0.5)] * 4
    assert await predict("7", 4.0) == Forecast("7", 0.25)
    assert await predict("8") == Forecast("8", 0.5)
    assert calls == ["7", "7", "8"]
    assert (predict.cache.stats().hits, predict.cache.stats().misses) == (3, 3)


async def test_a_hundred_callers_at_once_are_one_computation(predict, calls):
    """
    Each gets an answer of his own that nobody else can change.
    """
    answers = await asyncio.gather(*(predict("7") for _ in range(100)))
    answers[0].notes.append("mine")
    answers[1].notes.append("mine too")

    assert calls == ["7"]
    assert [len(answer.notes) for answer in answers[:3]] == [1, 1, 0]
    assert (await predict("7")).notes == []


async def test_exceptions_pass_and_are_not_kept(predict, calls):
    """
    The function's own exception, with its traceback, each time.
    """
    for _ in range(2):
        with pytest.raises(LookupError, match="no such match") as failure:
            await predict("unknown")
        assert failure.traceback[-1].name == "predict"
    assert calls == ["unknown", "unknown"]
    with pytest.raises(TypeError, match="missing a required argument"):
        await predict()


async def test_an_answer_can_be_forced_and_is_kept(predict, calls):
    """
    By refresh, or by the named parameter, which is no part of what names the answer.
    """
    await predict("7")

    await predict.refresh("7")
    await predict("7", force_recalculate=True)
    await predict("7", force_recalculate=False)

    assert calls == ["7"] * 3


async def test_it_still_looks_like_the_function(predict):
    """
    Name, text, signature and annotations are the function's.
    """
    assert (predict.__name__, predict.__doc__) == ("predict", "Predict one match.")
    assert list(inspect.signature(predict).parameters) == ["match_id", "odds", "force_recalculate"]


async def test_answers_are_deleted_by_name_of_function_or_match(predict, calls):
    """
    The function's name is the model of the pattern, its match_id the match.
    """
    await predict("7")
    await predict("8")

    assert (await predict.cache.delete("predict:7")).deleted == 1
    await predict("8")
    assert (await predict.cache.delete("predict")).deleted == 1
    await predict("8")
    assert calls == ["7", "8", "8"]


async def test_answers_end_at_their_kick_off_and_with_their_version(calls):
    """
    ``until`` sees the answer; another version is another answer.
    """
    version = ["v1"]

    @cached(until=lambda forecast: forecast.kickoff, version=lambda: version[0], key=lambda match_id: match_id)
    async def predict(match_id: str) -> Forecast:
        calls.append(match_id)
        return Forecast(match_id, 0.5, kickoff=time.time() + (60 if match_id == "coming" else -60))

    for _ in range(2):
        await predict("coming")
        await predict("played")
    assert calls == ["coming", "played", "played"]
    version[0] = "v2"
    await predict("coming")
    assert calls[-1] == "coming"


@dataclass(frozen=True)
class Model:
    """Two of one strength are equal."""

    strength: float

    @cached(ttl_s=60)
    async def predict(self, match_id: str) -> Forecast:
        """Predict one match."""
        CALLS.append((self.strength, match_id))
        return Forecast(match_id, self.strength)


class Stored(Model):
    """One that names itself."""

    cache_token = "digest-1"


CALLS = []


async def test_methods_keep_the_answers_of_unequal_instances_apart():
    """
    As with functools: equal instances share, others do not; a method can be refreshed, and called through its class.
    """
    CALLS.clear()
    living = [Model(0.4), Model(0.6)]

    assert [(await one.predict("7")).p_home for one in (*living, Model(0.4))] == [0.4, 0.6, 0.4]
    assert CALLS == [(0.4, "7"), (0.6, "7")]
    await Model(0.4).predict.refresh("7")
    await Model.predict(Model(0.4), "7")
    assert CALLS == [(0.4, "7"), (0.6, "7"), (0.4, "7")]
    assert (await Stored(0.9).predict("7")).p_home == (await Stored(0.1).predict("7")).p_home == 0.9
    assert living[0].predict.cache is Model.predict.cache


async def test_what_cannot_be_kept_is_refused_when_it_is_written():
    """
    Not async, no return type, one that msgpack cannot hold, one that is out of sight, a parameter that is none.
    """

    def plain(match_id: str) -> Forecast: ...

    async def silent(match_id: str): ...

    async def unstorable(match_id: str) -> type(lambda: None): ...

    async def out_of_sight(match_id: str) -> Nowhere: ...  # noqa: F821 - that is the point

    for function, reason in [
        (plain, "not an async function"),
        (silent, "does not say what it returns"),
        (unstorable, "cannot be stored"),
        (out_of_sight, "cannot be read"),
    ]:
        with pytest.raises(TypeError, match=reason):
            cached()(function)
    with pytest.raises(TypeError, match="has no parameter 'forced'"):
        cached(force="forced")(Model.predict._function)


async def test_what_is_not_as_annotated_is_refused_at_the_first_call():
    """
    An answer of another type, or arguments that name nothing, fail at once and not at the second call.
    """

    @cached()
    async def predict(match: object) -> Forecast:
        return "home"

    with pytest.raises(TypeError, match="gave a str that cannot be kept"):
        await predict("7")
    with pytest.raises(TypeError, match="Give @cached a key="):
        await predict(object())


async def test_two_processes_share_answers_through_redis(redis, layers, calls):
    """
    The same function in another process finds them; one whose answer has another shape does not.
    """
    first, second = layers(redis.url), layers(redis.url)

    def made(layer, answer_type):
        async def predict(match_id: str):
            calls.append(match_id)
            return answer_type(match_id, 0.5)

        predict.__annotations__["return"] = answer_type
        return cached(redis=layer)(predict)

    await made(first, Forecast)("7")
    await first.flush()

    assert await made(second, Forecast)("7") == Forecast("7", 0.5)
    assert calls == ["7"]
    assert isinstance(await made(second, Older)("7"), Older)
    assert calls == ["7", "7"]


class Older(msgspec.Struct):
    """Forecasts as they were once."""

    match_id: str
    p_home: float
