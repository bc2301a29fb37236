"""Who takes part in the benchmark: how each is started, what it is asked, and when its answer is right.

Every peer scores the booster of our newest saved model, on one thread, from
the same rows. A peer is given its row in the request; ours looks the match up.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import fixtures
from processes import ServerProcess, free_port
from sampling import Check, batch_problem, full_prediction_problem, prediction_problem
from server import CHECKOUT, football_server, has_setting, run_in_project

PEERS = Path(__file__).parent / "peers"
MLSERVER_PYTHON = Path(os.environ.get("MLSERVER_PYTHON", CHECKOUT / ".venv-mlserver" / "bin" / "python"))
ONE_THREAD = {"OMP_NUM_THREADS": "1"}
CACHE_OFF = {"FOOTBALL_SERVICE__CACHE__ENABLED": "false"}
RUNNER_SERVICE = {"FOOTBALL_RUNNER__MODE": "service"}
LONE_MEMBER = {"FOOTBALL_SERVICE__MODELS": '["lone-member"]'}
TWO_WORKERS = {"FOOTBALL_SERVICE__WORKERS": "2"}
BATCH = 100
WHOLE_BATCH = f'"successful_predictions":{BATCH},'
HOT_MATCHES = 500
TYPICAL_ANSWER_BYTES = 3_000


@dataclass(frozen=True)
class Material:
    """Hold what the questions are made of.

    Attributes:
        folder: Scratch, with ``booster.ubj``.
        home: Copy of the BentoML home with the newest bento.
        ids: Match ids, shuffled.
        rows: Feature rows as lists.
        answer_bytes: Length of one full answer of ours.
    """

    folder: Path
    home: Path
    ids: list[str]
    rows: list[list[float]]
    answer_bytes: int = TYPICAL_ANSWER_BYTES


@dataclass(frozen=True)
class Asked:
    """Hold requests: paths and bodies, paired in turn."""

    paths: Sequence[str]
    bodies: Sequence[bytes]


@dataclass(frozen=True)
class Contender:
    """Describe one row of the table.

    Attributes:
        key: Short and stable, for the JSON.
        title: For people.
        server: Rows of the same server share one start.
        start: Makes the server, not started yet.
        asked: Makes the requests.
        check: Finds what is wrong with an answer; None for an echo.
        predictions: In one request.
        needs: Settings that the bento must know.
        expected: Text that every right answer holds; looked for in each where given.
        open_loop: Whether latency at half of its capacity is measured too.
    """

    key: str
    title: str
    server: str
    start: Callable[[Material], ServerProcess]
    asked: Callable[[Material], Asked]
    check: Check | None
    predictions: int = 1
    needs: tuple[tuple[str, ...], ...] = field(default=())
    open_loop: bool = True
    expected: str | None = None


def contenders() -> list[Contender]:
    """Return all rows in the order of the table."""
    return [*_echoes(), *_ours(), *_peers()]


def _echoes() -> list[Contender]:
    sent_back = partial(_echo, name="echo", size=lambda _: 0)
    constant = partial(_echo, name="echo-constant", size=lambda material: material.answer_bytes)
    return [
        Contender("echo", "echo limit: bare uvicorn, body sent back", "echo", sent_back, _hot, None, open_loop=False),
        Contender(
            "echo_constant",
            "echo limit: bare uvicorn, constant body as long as our answer",
            "echo-constant",
            constant,
            _hot,
            None,
            open_loop=False,
        ),
    ]


def _ours() -> list[Contender]:
    start = partial(_football, name="football-cached", settings={})
    uncached = partial(_football, name="football-uncached", settings=CACHE_OFF)
    apart = partial(_football, name="football-runner-service", settings=CACHE_OFF | RUNNER_SERVICE)
    lone = partial(_lone_member, settings=CACHE_OFF | LONE_MEMBER)
    two = partial(_football, name="football-two-workers", settings=CACHE_OFF | TWO_WORKERS)
    is_cached, is_computed = (partial(full_prediction_problem, is_cached=flag) for flag in (True, False))
    whole = partial(batch_problem, size=BATCH)
    full_batch = partial(_batches, prediction_type="probability")
    return [
        Contender("cached", "ours, cached, one match", "cached", start, _hot, is_cached),
        Contender("cached_80_20", "ours, cached, 80/20 of 500 matches", "cached", start, _eighty_twenty, is_cached),
        Contender("uncached", "ours, uncached, distinct matches", "uncached", uncached, _distinct, is_computed),
        Contender(
            "batch",
            "ours, batch of 100",
            "uncached",
            uncached,
            _batches,
            whole,
            predictions=BATCH,
            expected=WHOLE_BATCH,
        ),
        Contender(
            "batch_full",
            "ours, batch of 100, all market blocks",
            "uncached",
            uncached,
            full_batch,
            whole,
            predictions=BATCH,
            expected=WHOLE_BATCH,
        ),
        Contender(
            "runner_service",
            "ours, uncached, separate runner service",
            "runner-service",
            apart,
            _distinct,
            is_computed,
            needs=(("runner", "mode"),),
        ),
        Contender(
            "lone_member", "ours, uncached, one member of the pool alone", "lone-member", lone, _distinct, is_computed
        ),
        Contender("two_workers", "ours, uncached, two workers", "two-workers", two, _distinct, is_computed),
    ]


def _peers() -> list[Contender]:
    check = prediction_problem
    return [
        Contender("fastapi", "FastAPI + XGBoost", "fastapi", _fastapi, _rows, check),
        Contender(
            "mlserver",
            "MLServer, parallel_workers 0",
            "mlserver",
            partial(_mlserver, settings={"parallel_workers": 0}, model={}),
            _tensors,
            _tensor_problem,
        ),
        Contender(
            "mlserver_batching",
            "MLServer, parallel_workers 0, adaptive batching",
            "mlserver-batching",
            partial(
                _mlserver, settings={"parallel_workers": 0}, model={"max_batch_size": 100, "max_batch_time": 0.001}
            ),
            _tensors,
            _tensor_problem,
        ),
        Contender(
            "mlserver_parallel",
            "MLServer, defaults (parallel_workers 1)",
            "mlserver-parallel",
            partial(_mlserver, settings={}, model={}),
            _tensors,
            _tensor_problem,
        ),
        Contender("litserve", "LitServe", "litserve", partial(_litserve, most_rows=1), _rows, check),
        Contender(
            "litserve_batching",
            "LitServe, batching",
            "litserve-batching",
            partial(_litserve, most_rows=64),
            _rows,
            check,
        ),
        Contender(
            "idiomatic", "idiomatic BentoML (depends + batchable)", "idiomatic", _idiomatic, _wrapped_rows, check
        ),
    ]


# What is asked.


def _hot(material: Material) -> Asked:
    return Asked([fixtures.path_of(material.ids[0])], [fixtures.FULL])


def _eighty_twenty(material: Material) -> Asked:
    sequence = fixtures.hot_sequence(material.ids[:HOT_MATCHES], length=50_000)
    return Asked([fixtures.path_of(match_id) for match_id in sequence], [fixtures.FULL])


def _distinct(material: Material) -> Asked:
    return Asked([fixtures.path_of(match_id) for match_id in material.ids], [fixtures.FULL])


def _batches(material: Material, *, prediction_type: str | None = None) -> Asked:
    bodies = fixtures.batch_bodies(material.ids, BATCH, prediction_type=prediction_type)
    return Asked([fixtures.BATCH_PATH], bodies)


def _rows(material: Material) -> Asked:
    return Asked(["/predict"], [json.dumps({"features": row}).encode() for row in material.rows])


def _wrapped_rows(material: Material) -> Asked:
    return Asked(["/predict"], [json.dumps({"question": {"features": row}}).encode() for row in material.rows])


def _tensors(material: Material) -> Asked:
    return Asked(["/v2/models/football/infer"], [json.dumps(_tensor(row)).encode() for row in material.rows])


def _tensor(row: list[float]) -> dict[str, Any]:
    given = {"name": "features", "shape": [1, len(row)], "datatype": "FP32", "data": row}
    return {"inputs": [given]}


def _tensor_problem(answer: Any) -> str | None:
    values = answer["outputs"][0]["data"]
    return None if len(values) == 3 and abs(sum(values) - 1) < 1e-5 else f"no prediction: {str(answer)[:200]}"


# How each is started.


def _football(material: Material, *, name: str, settings: Mapping[str, str]) -> ServerProcess:
    known = {key: value for key, value in settings.items() if has_setting(material.home, *_path_of(key))}
    return football_server(material.folder, material.home, name=name, settings=known)


def _lone_member(material: Material, *, settings: Mapping[str, str]) -> ServerProcess:
    run_in_project(material.home, "lone_member.py")
    return football_server(
        material.folder, material.home, name="football-lone-member", settings=settings, is_bento=False
    )


def _path_of(variable: str) -> list[str]:
    """Return the path of a setting: FOOTBALL_SERVICE__CACHE__ENABLED is service, cache, enabled."""
    return variable.removeprefix("FOOTBALL_").lower().split("__")


def _echo(material: Material, *, name: str, size: Callable[[Material], int]) -> ServerProcess:
    return _uvicorn(material, name, "echo:app", {"ECHO_BYTES": str(size(material))}, ready_path="/")


def _fastapi(material: Material) -> ServerProcess:
    return _uvicorn(material, "fastapi", "fastapi_peer:app", _with_booster(material), ready_path="/readyz")


def _uvicorn(
    material: Material, name: str, application: str, environment: Mapping[str, str], *, ready_path: str
) -> ServerProcess:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", application, "--app-dir", str(PEERS), "--host", "127.0.0.1"]
    command += ["--port", str(port), "--loop", "uvloop", "--http", "httptools", "--no-access-log"]
    return ServerProcess(
        name, command, port=port, ready_path=ready_path, folder=material.folder, environment=environment
    )


def _mlserver(material: Material, *, settings: Mapping[str, Any], model: Mapping[str, Any]) -> ServerProcess:
    """Write the two files that MLServer reads; ``debug`` is off, as it would log every request."""
    port = free_port()
    own = material.folder / f"mlserver-{port}"
    own.mkdir()
    ports = {"http_port": port, "grpc_port": free_port(), "metrics_port": free_port()}
    general = {"host": "127.0.0.1", "debug": False, "metrics_dir": str(own)} | ports | dict(settings)
    named = {"name": "football", "implementation": "mlserver_peer.Football"}
    (own / "settings.json").write_text(json.dumps(general))
    (own / "model-settings.json").write_text(json.dumps(named | dict(model)))
    command = [str(MLSERVER_PYTHON.with_name("mlserver")), "start", str(own)]
    path = "/v2/models/football/ready"
    environment = _with_booster(material) | {"PYTHONPATH": str(PEERS)}
    return ServerProcess("mlserver", command, port=port, ready_path=path, folder=own, environment=environment)


def _litserve(material: Material, *, most_rows: int) -> ServerProcess:
    port = free_port()
    command = [sys.executable, str(PEERS / "litserve_peer.py"), str(port), str(most_rows)]
    return ServerProcess(
        "litserve",
        command,
        port=port,
        ready_path="/health",
        folder=material.folder,
        environment=_with_booster(material),
    )


def _idiomatic(material: Material) -> ServerProcess:
    port = free_port()
    own = material.folder / "idiomatic-home"
    own.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "bentoml", "serve", "bentoml_peer:Idiomatic", "--working-dir", str(PEERS)]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    environment = _with_booster(material) | {"BENTOML_HOME": str(own), "BENTOML_DO_NOT_TRACK": "True"}
    return ServerProcess(
        "idiomatic", command, port=port, ready_path="/readyz", folder=material.folder, environment=environment
    )


def _with_booster(material: Material) -> dict[str, str]:
    return ONE_THREAD | {"PEER_BOOSTER": str(material.folder / "booster.ubj")}
