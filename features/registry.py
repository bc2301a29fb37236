"""The list of features: name, meaning, unit, range and what a missing value means.

The API, the documentation and the validation of overrides read it; the
transform emits exactly these columns in this order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

FEATURES_VERSION = 2
NEVER_MISSING = "never missing"
BEFORE_FIRST = "missing before the first such match"
SIDES = ("home", "away")
PER_MATCH = {"points": ("points per match", 0.0, 3.0), "goals_for": ("goals per match", 0.0, 30.0)}
PER_MATCH["goals_against"] = PER_MATCH["goals_for"]


@dataclass(frozen=True, slots=True)
class Feature:
    """Describe one feature.

    Attributes:
        minimum, maximum: Inclusive range of a value given by a caller.
        missing: When the value is NaN.
        version: The features version that introduced it or last changed its meaning.
    """

    name: str
    meaning: str
    unit: str
    minimum: float
    maximum: float
    missing: str = NEVER_MISSING
    version: int = FEATURES_VERSION


def _ratings() -> Iterator[Feature]:
    for side in SIDES:
        yield Feature(f"elo_{side}", f"Elo rating of the {side} side", "Elo points", 0, 3000)
    yield Feature(
        "elo_difference", "home minus away Elo, with the competition's home advantage", "Elo points", -2000, 2000
    )
    yield Feature("pi_home", "pi-rating at home of the home side", "pi points", -10, 10)
    yield Feature("pi_away", "pi-rating away of the away side", "pi points", -10, 10)
    yield Feature("pi_goal_difference", "goal difference expected by the pi-ratings", "goals", -30, 30)


def _strengths() -> Iterator[Feature]:
    for prefix, what in (("goals", "goals"), ("chances", "goals and xG, 3 to 7 where xG is known")):
        for side in SIDES:
            other = "away" if side == "home" else "home"
            yield Feature(f"{prefix}_attack_{side}", f"attack of the {side} side from {what}", "times average", 0, 20)
            yield Feature(
                f"{prefix}_defence_{side}", f"what the {side} side concedes, from {what}", "times average", 0, 20
            )
            yield Feature(
                f"{prefix}_expected_{side}",
                f"goals expected of the {side} side against this {other} side, from {what}",
                "goals",
                0,
                30,
            )
            yield Feature(
                f"{prefix}_doubt_{side}",
                f"how unsure {prefix}_expected_{side} is: about twice the standard deviation of its logarithm",
                "log goals",
                0,
                3,
            )


def _form() -> Iterator[Feature]:
    windows = (
        ("form5", "last five matches"),
        ("form10", "last ten matches"),
        ("venue5", "last five matches at the venue kind it now plays at, at a neutral one its last five"),
    )
    for side in SIDES:
        for window, words in windows:
            for measure, (unit, low, high) in PER_MATCH.items():
                yield Feature(
                    f"{window}_{measure}_{side}",
                    f"{measure.replace('_', ' ')} of the {side} side over its {words}",
                    unit,
                    low,
                    high,
                    BEFORE_FIRST,
                )


def _schedule() -> Iterator[Feature]:
    for side in SIDES:
        yield Feature(
            f"rest_days_{side}", f"days since the {side} side's last match, at most 30", "days", 0, 30, BEFORE_FIRST
        )
        yield Feature(
            f"matches_14_days_{side}", f"matches of the {side} side in the last 14 days, at most 6", "matches", 0, 6
        )
        yield Feature(f"matches_known_{side}", f"matches on record of the {side} side, at most 100", "matches", 0, 100)


def _season() -> Iterator[Feature]:
    for side in SIDES:
        yield Feature(
            f"newcomer_{side}",
            f"1 if the {side} side was not in this division last season",
            "0 or 1",
            0,
            1,
            "missing in a cup",
        )
        yield Feature(f"season_matches_{side}", f"league matches of the {side} side this season", "matches", 0, 100)
        yield Feature(
            f"season_points_{side}",
            f"points per league match of the {side} side this season",
            "points per match",
            0,
            3,
            BEFORE_FIRST,
        )
        yield Feature(
            f"season_margin_{side}",
            f"goal difference per league match of the {side} side this season",
            "goals per match",
            -30,
            30,
            BEFORE_FIRST,
        )
    yield Feature("season_phase", "share of the season played, by the length of the last one", "0-1", 0, 1)
    yield Feature("competition_level", "division, 1 for the top one", "level", 1, 20, "missing in a cup")
    yield Feature("draw_rate", "recent share of draws in the competition", "0-1", 0, 1)
    yield Feature("neutral_venue", "1 if neither side is at home", "0 or 1", 0, 1)


def _meetings() -> Iterator[Feature]:
    yield Feature("head_to_head_matches", "meetings of the two sides remembered, at most 6", "matches", 0, 6)
    yield Feature(
        "head_to_head_margin", "mean goal difference of those meetings for the home side, shrunk to 0", "goals", -30, 30
    )


def _odds() -> Iterator[Feature]:
    missing = "missing unless odds were on offer before kick-off"
    for outcome in ("home", "draw", "away"):
        yield Feature(f"odds_{outcome}", f"probability implied by the odds: {outcome}", "0-1", 0, 1, missing)
    yield Feature("odds_overround", "what the inverse odds sum to above 1", "0-1", -0.5, 1, missing)


REGISTRY: tuple[Feature, ...] = (
    *_ratings(),
    *_strengths(),
    *_form(),
    *_schedule(),
    *_season(),
    *_meetings(),
    *_odds(),
)
NAMES: tuple[str, ...] = tuple(feature.name for feature in REGISTRY)
BY_NAME: dict[str, Feature] = {feature.name: feature for feature in REGISTRY}


def in_order(names: Sequence[str]) -> tuple[str, ...]:
    """Return names of columns in the one order of the registry, those that it does not know last and by name.

    >>> in_order(["other", "elo_away", "elo_home"])
    ('elo_home', 'elo_away', 'other')
    """
    place = {name: number for number, name in enumerate(NAMES)}
    return tuple(sorted(names, key=lambda name: (place.get(name, len(NAMES)), name)))


def schema_digest() -> str:
    """Return the digest of names, ranges, rules and version; a model trained under another one is refused."""
    text = repr([(f.name, f.unit, f.minimum, f.maximum, f.missing, f.version) for f in REGISTRY])
    return hashlib.sha256(text.encode()).hexdigest()
