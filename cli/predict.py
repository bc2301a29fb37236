"""``football predict``: predict one match here and now, without a server."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import asdict
from typing import Any

import bentoml
import click
import msgspec
from bentoml.exceptions import NotFound
from rich.console import Console
from rich.table import Table

from api.presentation import explanation_of
from cli.explanation import explained
from cli.forecasts import forecasts_of, full_tag, guard_of
from configs.settings import Settings
from runners.errors import PredictionFailure
from runners.loading import ModelRefused, load
from runners.queries import DescribedMatch, Forecast, PredictionQuery
from store.errors import StoreError

_TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%MZ", "%Y-%m-%dT%H:%M:%SZ"]


@click.command()
@click.argument("match_id", required=False)
@click.option("--home", help="Home team, with --away and --competition instead of MATCH_ID.")
@click.option("--away", help="Away team.")
@click.option("--competition", help='Code such as "de.1".')
@click.option("--kickoff", type=click.DateTime(_TIMES), help="Kick-off in UTC; default: the next match day.")
@click.option("--neutral", is_flag=True, help="Neither side is at home.")
@click.option("--model", help="Full tag of a saved model; default: the newest of the first served name.")
@click.option("--explain", is_flag=True, help="Show which features moved the forecast.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def predict(settings: Settings, /, match_id: str | None, model: str | None, as_json: bool, **asked: Any) -> None:
    """Predict MATCH_ID, or the match described by --home, --away and --competition."""
    query = _query(match_id, **asked)
    try:
        forecast = _forecast(settings, query, model)
    except (StoreError, ModelRefused, PredictionFailure, NotFound) as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps(_plain(forecast), ensure_ascii=False, default=str))
    else:
        _show(forecast)


def _query(
    match_id: str | None,
    home: str | None,
    away: str | None,
    competition: str | None,
    kickoff: dt.datetime | None,
    neutral: bool,
    explain: bool,
) -> PredictionQuery:
    if match_id is not None:
        if home or away or competition or kickoff or neutral:
            raise click.UsageError("Give MATCH_ID, or describe the match, not both.")
        return PredictionQuery(match_id=match_id, explain=explain)
    if home is None or away is None or competition is None:
        raise click.UsageError("Give MATCH_ID, or --home, --away and --competition. `football fixtures` lists ids.")
    moment = None if kickoff is None else kickoff.replace(tzinfo=dt.UTC)
    return PredictionQuery(described=DescribedMatch(home, away, competition, moment, neutral), explain=explain)


def _forecast(settings: Settings, query: PredictionQuery, tag: str | None) -> Forecast:
    name = settings.service.models[0]
    try:
        full = full_tag(tag) if tag else str(bentoml.models.get(name).tag)
        model = load(full, guard_of(settings))
    except NotFound as error:
        raise click.ClickException(f"No model {name!r} is saved. Train one first: football train") from error
    return forecasts_of(settings, [model], query)[0]


def _plain(forecast: Forecast) -> dict[str, Any]:
    markets = forecast.markets
    lines = {name: [asdict(line) for line in getattr(markets, name)] for name in ("over_under", "asian_handicap")}
    scores = [asdict(score) for score in markets.correct_score]
    fields = {
        name: getattr(forecast, name)
        for name in ("model_name", "model_version", "model_type", "as_of", "feature_state_version", "newest_result_at")
    }
    return {
        "match": msgspec.structs.asdict(forecast.match),
        **dict(zip(("home_win_prob", "draw_prob", "away_win_prob"), forecast.proba, strict=True)),
        "expected_goals": {"home": markets.expected_home_goals, "away": markets.expected_away_goals},
        **lines,
        "both_teams_to_score": markets.both_teams_to_score[0],
        "correct_score": scores,
        **fields,
        "trained_until": forecast.trained_until,
        "degraded": list(forecast.degraded),
        "explanation": msgspec.to_builtins(explanation_of(forecast.explanation)),
    }


def _show(forecast: Forecast) -> None:
    console, match = Console(), forecast.match
    when = "no date yet" if match.kickoff is None else f"{match.kickoff:%Y-%m-%d %H:%M} UTC"
    table = Table(title=f"{match.home_team} - {match.away_team} ({match.competition} {match.season}, {when})")
    for outcome in (match.home_team, "draw", match.away_team):
        table.add_column(outcome, justify="right")
    table.add_row(*(f"{p:.1%}" for p in forecast.proba))
    console.print(table)
    markets = forecast.markets
    scores = ", ".join(f"{s.home}-{s.away} {s.probability:.1%}" for s in markets.correct_score[:5])
    over = next(line for line in markets.over_under if line.line == 2.5)
    console.print(f"Expected goals {markets.expected_home_goals:.2f} - {markets.expected_away_goals:.2f}")
    console.print(f"Likeliest scores {scores}; more than 2.5 goals {over.first:.1%}")
    if forecast.explanation is not None:
        console.print(explained(forecast))
    for reason in forecast.degraded:
        console.print(f"[yellow]degraded[/yellow] {reason}")
    newest = "no result" if forecast.newest_result_at is None else f"results until {forecast.newest_result_at:%Y-%m-%d}"
    console.print(
        f"{forecast.model_name}:{forecast.model_version}, as of {forecast.as_of:%Y-%m-%d %H:%M} UTC, {newest}"
    )
