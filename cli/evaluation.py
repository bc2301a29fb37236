"""The tables that evaluations print: ours beside the baselines, with intervals, and the coverage of its sets."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

WIDTH_WITHOUT_TERMINAL = 110

TITLES = {
    "ensemble": "ours (ensemble)",
    "dixon_coles": "Dixon-Coles",
    "elo_logit": "Elo ordered logit",
    "class_frequency": "class frequencies",
    "odds": "odds, margin out",
    "fivethirtyeight": "FiveThirtyEight",
    "base_rate": "base rate so far",
}
MARKET_TITLES = {"over_2_5": "over 2.5 goals", "both_teams_to_score": "both teams to score"}


def report_console() -> Console:
    """Return a console wide enough for the tables where the output is no terminal that has a width."""
    console = Console()
    return console if console.is_terminal else Console(width=WIDTH_WITHOUT_TERMINAL)


def evaluation_table(evaluation: dict[str, Any], title: str) -> Table:
    """Return a table of scores; the last column is ours minus the baseline's RPS with its 95 % interval."""
    table = Table(title=f"{title} ({evaluation['matches']:,} matches)")
    table.add_column("")
    for name in ("RPS", "log loss", "Brier", "accuracy", "ECE", "ours minus it, RPS (95 %)"):
        table.add_column(name, justify="right")
    for name, scores in evaluation["scores"].items():
        table.add_row(TITLES.get(name, name), *_figures(scores), _difference(evaluation, name))
    return table


def competition_table(evaluation: dict[str, Any]) -> Table:
    """Return RPS per competition, one column a model."""
    models = list(evaluation["scores"])
    table = Table(title="RPS per competition")
    table.add_column("competition")
    table.add_column("matches", justify="right")
    for name in models:
        table.add_column(TITLES.get(name, name), justify="right")
    for code, section in evaluation["per_competition"].items():
        table.add_row(code, str(section["matches"]), *(f"{section['scores'][name]['rps']:.4f}" for name in models))
    return table


def market_table(markets: dict[str, Any]) -> Table:
    """Return the log loss of every model in the markets on goals, and ours minus it with its 95 % interval."""
    table = Table(title="Markets on goals")
    for name in ("market", "came", "", "log loss", "ours minus it (95 %)"):
        table.add_column(name, justify="right" if name not in ("market", "") else "left")
    for market, told in markets.items():
        for number, (name, loss) in enumerate(told["log_loss"].items()):
            first = (MARKET_TITLES[market], f"{told['came']:.1%}") if number == 0 else ("", "")
            one = told["difference"].get(name)
            difference = "" if one is None else f"{one['mean']:+.5f} ({one['low']:+.5f} to {one['high']:+.5f})"
            table.add_row(*first, TITLES.get(name, name), f"{loss:.4f}", difference)
    return table


def coverage_table(coverage: dict[str, Any]) -> Table:
    """Return how often results were in the prediction sets a season, beside what the sets state and chance allows."""
    table = Table(title=f"Sets of {coverage['promised']:.0%}: results inside", caption=coverage["rule"])
    table.add_column("season")
    for name in ("matches", "stated", "observed", "95 % band", "mean size"):
        table.add_column(name, justify="right")
    rows = coverage["per_season"] | {"all": coverage["overall"]}
    if "new_sides" in coverage:
        rows["a side of under ten known matches"] = coverage["new_sides"]
    for name, told in rows.items():
        band = f"{told['low']:.1%} to {told['high']:.1%}"
        figures = (f"{told['stated']:.1%}", f"{told['observed']:.1%}", band, f"{told['mean_size']:.2f}")
        table.add_row(name, f"{told['matches']:,}", *figures)
    return table


def _figures(scores: dict[str, float]) -> list[str]:
    return [
        f"{scores['rps']:.4f}",
        f"{scores['log_loss']:.4f}",
        f"{scores['brier']:.4f}",
        f"{scores['accuracy']:.1%}",
        f"{scores['ece']:.4f}",
    ]


def _difference(evaluation: dict[str, Any], name: str) -> str:
    if name not in evaluation["difference"]:
        return ""
    rps = evaluation["difference"][name]["rps"]
    return f"{rps['mean']:+.5f} ({rps['low']:+.5f} to {rps['high']:+.5f})"
