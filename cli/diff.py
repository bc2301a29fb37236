"""``football diff``: why two saved models answer differently about one match."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table

from api.presentation import OUTCOMES
from cli.explanation import MOST_TELLING, percentages, points, shown, together
from cli.forecasts import forecasts_of, full_tag, guard_of
from configs.settings import Settings
from runners.contributions import OfOutcomes
from runners.difference import FeatureDifference, ForecastDifference, difference
from runners.errors import PredictionFailure
from runners.loading import ModelRefused, load
from runners.queries import Forecast, PredictionQuery
from store.errors import StoreError


@click.command()
@click.argument("tag_a")
@click.argument("tag_b")
@click.option("--match", "match_id", required=True, help="Id of a match; `football fixtures` lists those to come.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, with every feature.")
@click.pass_obj
def diff(settings: Settings, tag_a: str, tag_b: str, match_id: str, as_json: bool) -> None:
    """Say why TAG_B answers otherwise than TAG_A: what each feature adds to the difference.

    A played match is described as of its kick-off, by each model's own
    features; base and all features add up to the whole difference.
    """
    query = PredictionQuery(match_id=match_id, explain=True)
    try:
        guard = guard_of(settings)
        models = [load(full_tag(tag), guard) for tag in (tag_a, tag_b)]
        first, second = forecasts_of(settings, models, query)
    except (StoreError, ModelRefused, PredictionFailure) as error:
        raise click.ClickException(str(error)) from error
    why = difference(first, second)
    if as_json:
        click.echo(json.dumps(_plain(first, second, why), ensure_ascii=False, default=str))
    else:
        _show(first, second, why)


def _plain(first: Forecast, second: Forecast, why: ForecastDifference) -> dict[str, Any]:
    return {
        "match": msgspec.structs.asdict(first.match),
        "a": _side(first),
        "b": _side(second),
        "difference": {"log_odds": _by_outcome(why.margin), "probability": _by_outcome(why.proba)},
        "base": {"log_odds": _by_outcome(why.base), "probability": _by_outcome(why.base_proba)},
        "features": [
            {
                "feature": one.feature,
                "values": {"a": one.values[0], "b": one.values[1]},
                "seen": {"a": one.is_seen[0], "b": one.is_seen[1]},
                "same_value": one.is_same_value,
                "log_odds": _by_outcome(one.log_odds),
                "probability": _by_outcome(one.proba),
            }
            for one in why.features
        ],
    }


def _side(forecast: Forecast) -> dict[str, Any]:
    return {
        "tag": _tag(forecast),
        "probability": _by_outcome(forecast.proba),
        "as_of": forecast.as_of,
        "trained_until": forecast.trained_until,
        "feature_state_version": forecast.feature_state_version,
        "degraded": list(forecast.degraded),
    }


def _by_outcome(numbers: OfOutcomes) -> dict[str, float]:
    return dict(zip(OUTCOMES, numbers, strict=True))


def _show(first: Forecast, second: Forecast, why: ForecastDifference) -> None:
    console = Console()
    console.print(f"{first.match.home_team} - {first.match.away_team}: from {_tag(first)} (a) to {_tag(second)} (b)")
    console.print(_table(first, second, why))
    console.print(_values_in_words(why.features))
    for name, forecast in (("a", first), ("b", second)):
        for reason in forecast.degraded:
            console.print(f"[yellow]degraded[/yellow] {name}: {reason}")


def _table(first: Forecast, second: Forecast, why: ForecastDifference) -> Table:
    telling, others = why.features[:MOST_TELLING], why.features[MOST_TELLING:]
    table = Table("feature", "value in a", "value in b", title="Why they differ, in points of probability")
    for outcome in ("home", "draw", "away"):
        table.add_column(outcome, justify="right")
    table.add_row("forecast of a", "", "", *percentages(first.proba))
    table.add_row("usual match", "", "", *points(why.base_proba))
    for one in telling:
        table.add_row(one.feature, *_both_values(one), *points(one.proba))
    if others:
        table.add_row(f"{len(others)} others together", "", "", *points(together(others)))
    table.add_section()
    table.add_row("whole difference", "", "", *points(why.proba))
    table.add_row("forecast of b", "", "", *percentages(second.proba))
    return table


def _both_values(one: FeatureDifference) -> tuple[str, str]:
    if one.is_same_value:
        return shown(one.values[0]), "the same"
    of_a, of_b = (
        shown(value) if is_seen else "not seen" for value, is_seen in zip(one.values, one.is_seen, strict=True)
    )
    if of_a == of_b:  # they differ further behind the point
        return repr(one.values[0]), repr(one.values[1])
    return of_a, of_b


def _values_in_words(features: Sequence[FeatureDifference]) -> str:
    same = sum(one.is_same_value for one in features)
    if same == len(features):
        return "Both see the same in every feature; where they differ, it is the models."
    other = sum(all(one.is_seen) and not one.is_same_value for one in features)
    alone = len(features) - same - other
    return (
        f"Of {len(features)} features both see the same in {same}, different values in {other}; {alone} only one sees."
    )


def _tag(forecast: Forecast) -> str:
    return f"{forecast.model_name}:{forecast.model_version}"
