"""``football top``: what a service does just now, in the terminal."""

from __future__ import annotations

import datetime as dt
import json
import time
from dataclasses import asdict
from typing import Final

import click
import httpx
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from configs.settings import Settings
from monitoring.moments import Moment, moment_of
from monitoring.readings import NotMetrics, Reading, Span

_ANSWER_S: Final = 5.0
_NOTHING: Final = "-"


@click.command()
@click.option("--url", help="Of the service; default: this machine, at service.port of the settings.")
@click.option("--key", envvar="FOOTBALL_KEY", help="With the scope metrics, where the service asks for one.")
@click.option("--every", "every_s", type=click.FloatRange(0.2, 600.0), default=2.0, show_default=True, help="Seconds.")
@click.option("--once", is_flag=True, help="Show one interval, and end.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object an interval.")
@click.pass_obj
def top(settings: Settings, url: str | None, key: str | None, every_s: float, once: bool, as_json: bool) -> None:
    """Show what a service does just now: load, latency, cache, models, quality; until interrupted."""
    address = (url or f"http://{settings.service.host}:{settings.service.port}").rstrip("/")
    headers = {"authorization": f"Bearer {key}"} if key else {}
    with httpx.Client(base_url=address, headers=headers, timeout=_ANSWER_S, trust_env=False) as client:
        before = read(client)
        if as_json or once or not Console().is_terminal:
            _print(client, before, every_s, is_once=once, as_json=as_json)
        else:
            _show(client, before, every_s, address)


def read(client: httpx.Client) -> Reading:
    """Return what the service tells of itself. Raises ClickException with what to do where it does not."""
    try:
        answer = client.get("/metrics")
    except httpx.HTTPError as error:
        hint = "Start one (football serve), or name it: --url"
        raise click.ClickException(f"{client.base_url} gives no metrics: {error}. {hint}") from error
    if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        raise click.ClickException(
            "The service wants a key with the scope metrics: football keys add NAME --scope metrics, then --key or FOOTBALL_KEY"
        )
    if answer.status_code != httpx.codes.OK:
        raise click.ClickException(f"{client.base_url}metrics answered {answer.status_code}, expected 200.")
    try:
        return Reading.of(answer.text, at_s=time.monotonic())
    except NotMetrics as error:
        raise click.ClickException(f"{client.base_url} is no football service: {error}.") from error


def _print(client: httpx.Client, before: Reading, every_s: float, *, is_once: bool, as_json: bool) -> None:
    """Print one interval after the other, one or all."""
    console = Console()
    while True:
        time.sleep(every_s)
        after = read(client)
        moment = moment_of(Span(before, after), now=dt.datetime.now(dt.UTC))
        if as_json:
            click.echo(json.dumps(asdict(moment)))
        else:
            console.print(drawn(moment))
        if is_once:
            return
        before = after


def _show(client: httpx.Client, before: Reading, every_s: float, address: str) -> None:
    """Show the latest interval on the whole screen; a service that is away is waited for."""
    with Live(Text("..."), screen=True, auto_refresh=False) as live:
        while True:
            time.sleep(every_s)
            head = Text(f"{address}   every {every_s:g} s   {dt.datetime.now():%H:%M:%S}", style="dim")  # noqa: DTZ005 - for the eye
            try:
                after = read(client)
            except click.ClickException as error:
                live.update(Group(head, Text(error.message, style="bold red")), refresh=True)
                continue
            moment = moment_of(Span(before, after), now=dt.datetime.now(dt.UTC))
            live.update(Group(head, drawn(moment)), refresh=True)
            before = after


def drawn(moment: Moment) -> Group:
    """Return an interval as the terminal shows it."""
    facts = Table.grid(padding=(0, 2))
    for name, text in _lines(moment):
        facts.add_row(Text(name, style="bold"), text)
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("route")
    for title in ("requests/s", "failed", "p50", "p95", "p99"):
        table.add_column(title, justify="right")
    for route in moment.routes:
        style = "red" if route.failed_share else None
        quantiles = (_told_ms(value) for value in (route.p50_ms, route.p95_ms, route.p99_ms))
        table.add_row(route.route, f"{route.requests_per_s:,.1f}", f"{route.failed_share:.2%}", *quantiles, style=style)
    return Group(facts, Text(), table if moment.routes else Text("Nothing was asked in this interval.", style="dim"))


def _lines(moment: Moment) -> list[tuple[str, Text]]:
    whole, quality = moment.whole, moment.quality
    load = (
        f"{whole.requests_per_s:,.1f} requests/s   {moment.predictions_per_s:,.1f} predictions/s   "
        f"{moment.in_flight} at work   {whole.failed_share:.2%} failed"
    )
    speed = f"p50 {_told_ms(whole.p50_ms)}   p95 {_told_ms(whole.p95_ms)}   p99 {_told_ms(whole.p99_ms)}"
    waited = f"   oldest waits {_told_ms(moment.batch_wait_p99_ms)} at p99"
    batch = _NOTHING if moment.batch_rows is None else f"{moment.batch_rows:.1f} forecasts together{waited}"
    cache = "   ".join(f"{result} {share:.0%}" for result, share in moment.cache.items()) or _NOTHING
    lines = [
        ("serves", Text(_served(moment))),
        ("load", Text(load, style="red" if whole.failed_share else "")),
        ("answers", Text(speed)),
        ("cache", Text(cache)),
        ("batches", Text(batch)),
    ]
    lines += [
        (name, Text("   ".join(f"{one} {per_s:,.1f}/s" for one, per_s in told.items()), style="yellow"))
        for name, told in (("refused", moment.refused_per_s), ("degraded", moment.degraded_per_s))
        if told
    ]
    if quality:
        alarm = "ALARM: forecasts do not mean what they say" if quality["calibration_alarm"] else "calibration well"
        scored = (
            f"{quality['settled_matches']:,.0f} settled   RPS {quality['live_rps']:.4f} "
            f"(should be {quality['live_expected_rps']:.4f})   log loss {quality['live_log_loss']:.4f}   "
            f"ECE {quality['live_ece']:.4f}   {alarm}"
        )
        lines.append(("quality", Text(scored, style="red" if quality["calibration_alarm"] else "")))
    if moment.worker_restarts or moment.lost:
        said = f"{moment.worker_restarts} workers started again   {moment.lost:,} forecasts not logged"
        lines.append(("trouble", Text(said, style="yellow")))
    return lines


def _served(moment: Moment) -> str:
    models = [f"{name} {version}, {age:,.0f} days since it learned" for name, version, age in moment.models]
    parts = [*models, *([moment.bento] if moment.bento else [])]
    if moment.newest_result_days is not None:
        parts.append(f"newest result {moment.newest_result_days:,.0f} days old")
    return "   ".join(parts) or "no model"


def _told_ms(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:,.1f} ms"
