"""Who is let in: keys, scopes, rates and shares."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import stat
from pathlib import Path

import pytest
from api_harness import client_of, settings_with
from fake_backend import KNOWN, FakeBackend
from hypothesis import given
from hypothesis import strategies as st

from api import catalogue
from api.access.callers import LOOKED_AT_EVERY_S, Callers
from api.access.guard import WRONG_KEYS_AT_ONCE, Guard
from api.access.keys import KeysUnreadable, make_caller_key, read_keys, write_keys
from api.access.rates import Rates
from api.access.scopes import Scope
from api.access.shares import Shares
from api.application import create_application
from api.operations import Operation

NOW = dt.datetime(2026, 11, 26, 12, tzinfo=dt.UTC)
OPERATIONS = {one.identifier: one for one in vars(catalogue).values() if isinstance(one, Operation)}
PREDICT = "/v1/predictions/predict"


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "keys" / "callers.json"


@pytest.fixture
def texts(file) -> dict[str, str]:
    """A key of each scope, one that has expired, and one that was revoked; none of them is ever in the file."""
    made = {
        "predict": make_caller_key("shop", (Scope.PREDICT,), now=NOW),
        "metrics": make_caller_key("prometheus", (Scope.METRICS,), now=NOW),
        "operator": make_caller_key("ops", (Scope.OPERATOR,), now=NOW),
        "expired": make_caller_key("shop", (Scope.OPERATOR,), now=NOW, expires_at=NOW - dt.timedelta(seconds=1)),
        "revoked": make_caller_key("shop", (Scope.OPERATOR,), now=NOW),
    }
    write_keys(file, [key for name, (key, _) in made.items() if name != "revoked"])
    assert not any(text.partition("_")[2] in file.read_text() for _, text in made.values())
    return {name: text for name, (_, text) in made.items()} | {"none": "", "wrong": made["predict"][1] + "x"}


@pytest.fixture
def callers(file, texts, clock) -> Callers:
    return Callers(file, clock=clock, now=lambda: NOW)


def application_of(callers, *, most=100, rates=None, backend=None, wrong=None):
    guard = Guard(callers, Shares(most), rates, wrong=wrong)
    return create_application(backend or FakeBackend(), settings=settings_with(), guard=guard)


def bearing(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"} if text else {}


async def test_every_route_asks_for_a_key_and_for_its_scope(callers, texts):
    """
    Route by route: 401 without a right key, 403 for one of another scope, and neither for one that opens it.
    """
    async with client_of(application_of(callers, wrong=Rates(1e9, 1e9))) as client:
        paths = (await client.get("/openapi.json", headers=bearing(texts["operator"]))).json()["paths"]
        asked = 0
        for template, methods in paths.items():
            path = template.replace("{model_name}", "default").replace("{match_id}", "m1")
            for method, told in methods.items():
                if method == "parameters":
                    continue
                opens = (
                    {"operator"} if OPERATIONS[told["operationId"]].scope is Scope.OPERATOR else {"operator", "predict"}
                )
                for name, text in texts.items():
                    answer = await client.request(method.upper(), path, headers=bearing(text))
                    refused = {401: "UNAUTHENTICATED", 403: "FORBIDDEN"}.get(answer.status_code)
                    is_known = name in {"predict", "metrics", "operator"}
                    expected = None if name in opens else "FORBIDDEN" if is_known else "UNAUTHENTICATED"
                    if name in opens and refused == "FORBIDDEN":  # such as a reload where reloads are off
                        assert "does not open" not in answer.json()["message"], (method, path)
                    else:
                        assert refused == expected, (method, path, name, answer.status_code)
                    assert refused is None or answer.json()["error"] == refused
                    asked += 1
    assert asked > 100


def test_what_changes_something_is_for_operators():
    """
    The routes that only an operator may use, and no other.
    """
    operators = {name for name, one in OPERATIONS.items() if one.scope is Scope.OPERATOR}

    assert operators == {
        "post_results",
        "reload_model",
        "start_hot_reload",
        "stop_hot_reload",
        "force_hot_reload",
        "purge_cache",
        "purge_model_cache",
    }


async def test_who_has_no_key_does_not_learn_which_paths_there_are(callers, texts):
    """
    401 for a path that does not exist, too; with a key it is 404.
    """
    async with client_of(application_of(callers)) as client:
        without = await client.get("/v1/secret")
        having = await client.get("/v1/secret", headers=bearing(texts["predict"]))

        wrong_method = await client.put("/v1/competitions")

    assert (without.status_code, having.status_code, wrong_method.status_code) == (401, 404, 401)
    assert without.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("header", ["Authorization", "authorization", "X-API-Key"])
async def test_a_key_comes_in_either_header(callers, texts, header):
    """
    As a bearer token, whatever its case, or as X-API-Key.
    """
    text = texts["predict"]
    sent = {header: text if header == "X-API-Key" else f"bearer {text} "}

    async with client_of(application_of(callers)) as client:
        assert (await client.get("/v1/predictions/health", headers=sent)).status_code == 200


async def test_without_a_file_nobody_needs_a_key_and_the_first_key_changes_that(file, clock):
    """
    A key that is added counts within a second or so, without a restart; one that is revoked opens nothing then.
    """
    callers = Callers(file, clock=clock)
    async with client_of(application_of(callers)) as client:
        assert (await client.get("/v1/competitions")).status_code == 200

        key, text = make_caller_key("shop", (Scope.PREDICT,), now=NOW)
        other, _ = make_caller_key("ops", (Scope.OPERATOR,), now=NOW)
        write_keys(file, [key, other])
        clock.now_s += LOOKED_AT_EVERY_S
        assert (await client.get("/v1/competitions")).status_code == 401
        assert (await client.get("/v1/competitions", headers=bearing(text))).status_code == 200

        write_keys(file, [other])
        clock.now_s += LOOKED_AT_EVERY_S
        assert (await client.get("/v1/competitions", headers=bearing(text))).status_code == 401


@pytest.mark.parametrize("harm", ["garbage", "gone", "unreadable field"])
def test_a_file_that_is_spoilt_lets_nobody_new_in(file, texts, callers, clock, harm, caplog):
    """
    The keys that were known stay, and it is logged; a worker that starts on such a file lets nobody in.
    """
    if harm == "gone":
        file.unlink()
    else:
        file.write_text("{" if harm == "garbage" else '{"keys": [{"id": "fk1", "admin": true}]}')
    clock.now_s += LOOKED_AT_EVERY_S

    assert callers.are_required
    assert callers.of([(b"x-api-key", texts["predict"].encode())]).name == "shop"
    assert callers.of([(b"x-api-key", texts["wrong"].encode())]) is None
    assert "those known before stay" in caplog.text
    if harm != "gone":
        started = Callers(file)
        assert started.are_required
        assert started.of([(b"x-api-key", texts["predict"].encode())]) is None
        with pytest.raises(KeysUnreadable, match=str(file)):
            read_keys(file)


async def test_a_file_without_a_key_lets_nobody_in(file, clock):
    """
    Whoever empties the file closes the door; it is open only where there never was one.
    """
    write_keys(file, [])
    async with client_of(application_of(Callers(file, clock=clock))) as client:
        assert (await client.get("/v1/competitions")).status_code == 401


def test_the_file_is_its_owners(file, texts):
    """
    Nobody else on the machine may read who has keys.
    """
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert {key["name"] for key in json.loads(file.read_text())["keys"]} == {"shop", "prometheus", "ops"}


@given(st.binary(max_size=300))
def test_no_text_but_a_key_is_one(tmp_path_factory, sent):
    """
    Whatever is sent, nobody is recognised and nothing is raised.
    """
    file = tmp_path_factory.mktemp("keys") / "callers.json"
    key, text = make_caller_key("shop", (Scope.PREDICT,), now=NOW)
    write_keys(file, [key])
    callers = Callers(file, now=lambda: NOW)

    assert callers.of([(b"x-api-key", sent)]) is None
    assert callers.of([(b"authorization", b"Bearer " + sent)]) is None
    assert callers.of([(b"x-api-key", text.encode())]) == key


async def test_wrong_keys_are_slowed_down_and_right_ones_are_not(callers, texts):
    """
    After some wrong keys in a row their sender gets 429, and a right key from the same address still gets its answer.
    """
    async with client_of(application_of(callers)) as client:
        statuses = [
            (await client.get("/v1/competitions", headers=bearing(f"fk{number}_x"))).status_code
            for number in range(int(WRONG_KEYS_AT_ONCE) + 5)
        ]
        right = await client.get("/v1/competitions", headers=bearing(texts["predict"]))
        wrong = await client.get("/v1/competitions", headers=bearing("fk1_x"))

    assert set(statuses[: int(WRONG_KEYS_AT_ONCE)]) == {401}
    assert statuses[-1] == wrong.status_code == 429
    assert int(wrong.headers["retry-after"]) >= 1
    assert wrong.json()["error"] == "RATE_LIMITED"
    assert right.status_code == 200


async def test_a_caller_beyond_his_rate_waits_and_others_do_not(callers, texts, clock):
    """
    Two at once and two a second; a batch counts for its items; another caller has a rate of his own.
    """
    rates = Rates(2.0, 2.0, clock=clock)
    batch = {"requests": [{"match_id": KNOWN}] * 4}
    async with client_of(application_of(callers, rates=rates)) as client:

        async def status(name: str, path: str = "/v1/competitions", **body) -> int:
            asked = (
                client.post(path, json=body, headers=bearing(texts[name]))
                if body
                else client.get(path, headers=bearing(texts[name]))
            )
            return (await asked).status_code

        assert [await status("predict") for _ in range(3)] == [200, 200, 429]
        assert await status("operator") == 200
        clock.now_s += 0.5
        assert [await status("predict") for _ in range(2)] == [200, 429]
        clock.now_s += 60.0
        assert await status("predict", PREDICT + "/batch", **batch) == 200
        clock.now_s += 0.9  # of the two seconds that four items took, one was ahead
        assert await status("predict") == 429
        clock.now_s += 0.6
        assert await status("predict") == 200


class Waiting(FakeBackend):
    """Answers no prediction before it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = asyncio.Event()

    async def written(self, queries, writer, *, deadline):
        await self.let_go.wait()
        return await super().written(queries, writer, deadline=deadline)


async def test_one_caller_cannot_take_all_the_room(callers, texts):
    """
    One with many requests at work is refused the next, while another, who has few, is let in; done ones make room.
    """
    backend = Waiting()
    body = {"match_id": KNOWN}
    async with client_of(application_of(callers, most=8, backend=backend)) as client:

        async def ask(name: str):
            return await client.post(PREDICT, json=body, headers=bearing(texts[name]))

        greedy = [asyncio.create_task(ask("predict")) for _ in range(6)]
        await asyncio.sleep(0.05)
        modest = [asyncio.create_task(ask("operator")) for _ in range(2)]
        await asyncio.sleep(0.05)
        refused = await ask("predict")
        backend.let_go.set()
        answers = await asyncio.gather(*greedy, *modest)
        again = await ask("predict")

    assert refused.status_code == 503
    assert refused.json()["error"] == "OVERLOADED"
    assert refused.headers["retry-after"] == "1"
    assert [answer.status_code for answer in answers] == [200] * 8
    assert again.status_code == 200


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=200), st.integers(1, 12))
def test_shares_count_what_is_at_work(steps, most):
    """
    Never more than there may be, never less than none, and all room is free once all have left.
    """
    shares, inside = Shares(most), []
    for caller, enters in steps:
        if enters:
            if shares.enter(caller):
                inside.append(caller)
        elif caller in inside:
            inside.remove(caller)
            shares.leave(caller)
        assert shares.total == len(inside) <= most
    for caller in inside:
        shares.leave(caller)
    assert all(shares.enter("alone") for _ in range(most))
    assert not shares.enter("alone")


@given(st.lists(st.floats(0.0, 3.0), min_size=1, max_size=60), st.floats(0.5, 20.0), st.integers(1, 10))
def test_nobody_gets_more_than_his_rate(pauses, per_s, burst):
    """
    In any time from the first request on: at most the burst, and the rate times the time.
    """
    clock = Clock()
    rates = Rates(per_s, burst, clock=clock)
    let_in = 0
    for pause in pauses:
        clock.now_s += pause
        let_in += rates.take("a") == 0.0
        assert let_in <= burst + per_s * (clock.now_s - 100.0) + 1e-6
