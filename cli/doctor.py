"""``football doctor``: whether all that serving needs is there and well, a line each with what mends it."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal

import bentoml
import click
import httpx
import redis
import sqlalchemy as sa
from bentoml.exceptions import BentoMLException

from api.access.keys import KeysUnreadable, read_keys
from api.access.scopes import Scope
from cli.releases import place_of, plan_of
from configs.settings import Settings
from deploy.build import bentos
from deploy.errors import DeployFailed
from deploy.proxy import haproxy
from deploy.state import read_state
from deploy.status import status_of
from deploy.verifying import is_signed, verify_bento
from runners.loading import ModelMissing, ModelRefused, load
from store.database import open_store, reading
from store.errors import StoreError
from store.schema import matches
from trust.errors import Untrusted

State = Literal["well", "warning", "ill"]

STALE_DAYS: Final = 14
LEAST_FREE_BYTES: Final = 1_000_000_000
_MARKS: Final = {"well": "ok  ", "warning": "warn", "ill": "FAIL"}
PROGRAM: Final = Path(__file__).parent
_ANSWER_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Finding:
    """Hold what was found of one thing.

    Attributes:
        mend: What to do; empty where nothing is to be done.
    """

    name: str
    state: State
    found: str
    mend: str = ""

    def in_a_line(self) -> str:
        """Return it as a line to read."""
        return f"{_MARKS[self.state]}  {self.name}: {self.found}{f'. {self.mend}' if self.mend else ''}"


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@click.pass_obj
def doctor(settings: Settings, as_json: bool) -> None:
    """Check store, freshness, model, signature, keys, Redis, HAProxy, port, release, disk, clock and libraries.

    The exit code is 1 if one is ill.

    Changes nothing. A warning is what may be meant so.
    """
    findings = [_found(name, check, settings) for name, check in CHECKS.items()]
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            click.echo(finding.in_a_line())
    sys.exit(1 if any(finding.state == "ill" for finding in findings) else 0)


def _found(name: str, check: Callable[[Settings], tuple[State, str, str]], settings: Settings) -> Finding:
    try:
        return Finding(name, *check(settings))
    except Exception as error:  # noqa: BLE001 - a check that fails must not hide the others
        return Finding(name, "ill", f"the check itself failed: {type(error).__name__}: {error}", "Report this")


def _store(settings: Settings) -> tuple[State, str, str]:
    try:
        engine = open_store(settings.database_url)
    except StoreError as error:
        return "ill", str(error).rstrip("."), "Nothing can be predicted without it"
    with reading(engine) as connection:
        played = connection.execute(sa.select(sa.func.count()).where(matches.c.status == "played")).scalar_one()
        come = connection.execute(sa.select(sa.func.count()).where(matches.c.status == "scheduled")).scalar_one()
    engine.dispose()
    if not played:
        return "ill", "it holds no played match", "Take some in: football ingest sample"
    return "well", f"{played:,} played matches, {come:,} to come", ""


def _freshness(settings: Settings) -> tuple[State, str, str]:
    try:
        engine = open_store(settings.database_url)
    except StoreError:
        return "ill", "the store cannot be read", "See store"
    with reading(engine) as connection:
        newest = connection.execute(
            sa.select(sa.func.max(matches.c.kickoff)).where(matches.c.status == "played")
        ).scalar()
    engine.dispose()
    if newest is None:
        return "ill", "no result is known", "Take results in: football ingest"
    age_days = (dt.datetime.now(dt.UTC).timestamp() - newest) / 86_400
    found = f"the newest result is {age_days:,.0f} days old"
    if age_days > STALE_DAYS:
        return "warning", found, "Answers say that they rest on old results; take newer ones in: football ingest"
    return "well", found, ""


def _model(settings: Settings) -> tuple[State, str, str]:
    said = []
    for name in settings.service.models:
        try:
            tag = str(bentoml.models.get(name).tag)
            loaded = load(tag)
        except (BentoMLException, ModelMissing) as error:
            return "ill", f"no model {name!r} is saved ({error})".rstrip("."), "Train one: football train"
        except ModelRefused as error:
            return "ill", f"{name} is refused: {error}".rstrip("."), "Train anew with this version: football train"
        until = loaded.artifact.trained_until
        said.append(f"{tag} loads and answers as when it was saved; it has learned until {until:%Y-%m-%d}")
    return "well", "; ".join(said), ""


def _bento(settings: Settings) -> tuple[State, str, str]:
    built = bentos()
    if not built:
        return "warning", "none is built", "Build one to serve: football build"
    tag = built[0]
    if not is_signed(tag):
        if settings.trust.required:
            return "ill", f"{tag} is not signed, and signatures are required", "football keys init, then football build"
        return "warning", f"{tag} is not signed", "To have it signed: football keys init, then football build"
    try:
        manifest = verify_bento(tag, settings.home, floor=settings.trust.floor)
    except Untrusted as error:
        return "ill", f"{tag}: {error}".rstrip("."), "Do not serve it. Build anew: football build"
    return "well", f"{tag} is what was signed (sequence {manifest.sequence})", ""


def _keys(settings: Settings) -> tuple[State, str, str]:
    try:
        keys = read_keys(settings.callers)
    except KeysUnreadable as error:
        return "ill", str(error).rstrip("."), "Servers let nobody new in meanwhile"
    if not keys:
        return "warning", "callers need none, so this machine alone is served", "Give one: football keys add NAME"
    if stat.S_IMODE(settings.callers.stat().st_mode) & 0o077:
        return "ill", f"others can read {settings.callers}", f"chmod 600 {settings.callers}"
    now = dt.datetime.now(dt.UTC)
    live = [key for key in keys if not key.is_over(now)]
    if not any(key.opens(Scope.PREDICT) for key in live):
        return "ill", "no key that has not expired opens predictions", "Give one: football keys add NAME"
    soon = [key.id for key in live if key.is_over(now + dt.timedelta(days=7))]
    if soon:
        return (
            "warning",
            f"{', '.join(soon)} expire within a week",
            "Give their callers new ones: football keys add NAME",
        )
    return "well", f"{len(live)} of {len(keys)} open something", ""


def _redis(settings: Settings) -> tuple[State, str, str]:
    if not settings.redis:
        return "well", "none is configured; each worker remembers answers for itself", ""
    try:
        client = redis.Redis.from_url(settings.redis, socket_timeout=_ANSWER_S, socket_connect_timeout=_ANSWER_S)
        client.ping()
    except (redis.RedisError, ValueError, OSError) as error:
        shown = str(error).replace(settings.redis, "its address")
        return "warning", f"it does not answer: {shown}".rstrip("."), "Servers do without; see FOOTBALL_REDIS_URL"
    if not settings.cache_secret.get_secret_value() and not (settings.home / "cache.key").exists():
        return "well", "it answers; a secret for it is made when a server starts", ""
    return "well", "it answers", ""


def _haproxy(_settings: Settings) -> tuple[State, str, str]:
    try:
        path = haproxy()
    except DeployFailed as error:
        return "warning", str(error).rstrip("."), ""
    told = subprocess.run([path, "-v"], capture_output=True, text=True, check=False)  # noqa: S603 - the proxy that was found
    return "well", f"{told.stdout.splitlines()[0] if told.stdout else path}", ""


def _port(settings: Settings) -> tuple[State, str, str]:
    host, port = settings.service.host, settings.service.port
    with socket.socket() as probe:
        try:
            probe.bind((host, port))
        except OSError:
            pass
        else:
            return "well", f"{port} is free", ""
    try:
        answer = httpx.get(f"http://{host}:{port}/readyz", timeout=_ANSWER_S, trust_env=False)
    except httpx.HTTPError:
        return "ill", f"{port} is taken by something that does not answer", "Choose another: FOOTBALL_SERVICE__PORT"
    if answer.status_code == httpx.codes.OK:
        return "well", f"{port} is served, and ready", ""
    return "warning", f"what listens on {port} is not ready ({answer.status_code})", "Wait, or see its log"


def _release(settings: Settings) -> tuple[State, str, str]:
    place = place_of(settings)
    try:
        if not place.state.exists() or not read_state(place).is_wanted:
            return "well", "nothing is released", ""
        told = status_of(place, plan_of(settings))
    except DeployFailed as error:
        return "ill", str(error).rstrip("."), ""
    if told.troubles:
        return "ill", "; ".join(told.troubles), "football history says what was done"
    return "well", f"{told.tag} serves since {told.since}", ""


def _disk(settings: Settings) -> tuple[State, str, str]:
    folder = next(path for path in (settings.home, *settings.home.parents) if path.exists())
    if not os.access(folder, os.W_OK):
        return "ill", f"{folder} cannot be written to", "Choose another: FOOTBALL_HOME"
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE_BYTES:
        return "ill", f"{free / 1e9:.2f} GB are free in {folder}", "Make room: football gc --delete"
    return "well", f"{free / 1e9:.0f} GB are free in {folder}", ""


def _clock(_settings: Settings) -> tuple[State, str, str]:
    """Compare the clock with the newest file of this program: one that is set back signs and expires wrongly."""
    made = max(path.stat().st_mtime for path in PROGRAM.glob("*.py"))
    behind_s = made - dt.datetime.now(dt.UTC).timestamp()
    if behind_s > 60.0:
        return "ill", f"it is at least {behind_s / 3_600:.1f} hours behind", "Set it: keys and signatures go by it"
    return "well", f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M:%S} UTC", ""


def _libraries(_settings: Settings) -> tuple[State, str, str]:
    """Look whether one of the large libraries was compiled: where none may be written, each start compiles all of them."""
    compiled = sa.__spec__.cached if sa.__spec__ else None
    if compiled is None or Path(compiled).exists():
        return "well", "compiled, so that servers start quickly", ""
    folder = sysconfig.get_path("purelib")
    mend = f"Once: {sys.executable} -m compileall -q -j 0 {folder}"
    return "warning", "not compiled, so each start takes twice as long (PYTHONDONTWRITEBYTECODE may be set)", mend


CHECKS: Final[dict[str, Callable[[Settings], tuple[State, str, str]]]] = {
    "store": _store,
    "freshness": _freshness,
    "model": _model,
    "bento": _bento,
    "keys": _keys,
    "redis": _redis,
    "haproxy": _haproxy,
    "port": _port,
    "release": _release,
    "disk": _disk,
    "clock": _clock,
    "libraries": _libraries,
}
