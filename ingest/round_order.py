"""Where in a season a match has its place, as told by the order of rounds.

Numbered rounds are played in order, give or take postponements; their median
dates show it. Rounds whose median contradicts the others are not believed.
"""

from __future__ import annotations

import datetime as dt
import re
import statistics
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_NUMBERED = re.compile(r"(?:(?P<series>.*?),? )?(?:Matchday|Round|Gameweek) (?P<number>\d+)")

# Fewer rounds, or rounds of which less than half agree, tell nothing about order.
_FEWEST_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Place:
    """Hold the days between which a match is due; None where the order of rounds tells nothing.

    ``opening`` is the day of the first believed round, for matches of later ones.
    """

    first: dt.date | None = None
    last: dt.date | None = None
    opening: dt.date | None = None

    @property
    def is_known(self) -> bool:
        """Return whether the order of rounds says anything about this match's date."""
        return self.first is not None or self.last is not None

    def days_early(self, day: dt.date) -> int:
        """Return by how many days a date lies before the place, 0 if it does not."""
        return 0 if self.first is None else max(0, (self.first - day).days)

    def days_late(self, day: dt.date) -> int:
        """Return by how many days a date lies after the place, 0 if it does not."""
        return 0 if self.last is None else max(0, (day - self.last).days)

    def is_before_opening(self, day: dt.date) -> bool:
        """Say whether a date lies before the first round, though the match is of a later one."""
        return self.opening is not None and day < self.opening

    def days_off(self, day: dt.date) -> int:
        """Return the distance of a date from the place."""
        return self.days_early(day) + self.days_late(day)


def places(rounds: Sequence[str | None], days: Sequence[dt.date]) -> list[Place]:
    """Return the place of each match of one season of one competition.

    A match of a numbered round belongs between the medians of the nearest believed rounds before and after its own.
    A match of a named one (a play-off, say) belongs after the latest believed round that the source lists before it.

    Args:
        rounds: Round of each match, in the source's order.
        days: Its date, as the source gives it.
    """
    numbered = [_series_and_number(name) for name in rounds]
    by_series: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for key, day in zip(numbered, days, strict=True):
        if key is not None:
            by_series[key[0]][key[1]].append(day.toordinal())
    medians: dict[tuple[str, int], int] = {}
    due: dict[tuple[str, int], Place] = {}
    for series, by_number in by_series.items():
        believed = _believed(by_number)
        medians |= {(series, number): median for number, median in believed.items()}
        due |= {(series, number): _between(believed, number) for number in by_number if believed}
    found: list[Place] = []
    latest = 0
    opening: dt.date | None = None
    for key in numbered:
        if key is not None and key in due:
            found.append(due[key])
            latest = max(latest, medians.get(key, 0))
            opening = opening or due[key].opening
        else:
            found.append(Place(first=dt.date.fromordinal(latest) if latest else None, opening=opening))
    return found


def _series_and_number(name: str | None) -> tuple[str, int] | None:
    """Split a numbered round.

    >>> _series_and_number("Playoff I, Matchday 4"), _series_and_number("Round of 16")
    (('Playoff I', 4), None)
    """
    found = _NUMBERED.fullmatch(name or "")
    return None if found is None else (found["series"] or "", int(found["number"]))


def _between(medians: Mapping[int, int], number: int) -> Place:
    before = [median for other, median in medians.items() if other < number]
    after = [median for other, median in medians.items() if other > number]
    return Place(
        first=dt.date.fromordinal(max(before)) if before else None,
        last=dt.date.fromordinal(min(after)) if after else None,
        opening=dt.date.fromordinal(min(before)) if before else None,
    )


def _believed(by_number: Mapping[int, Sequence[int]]) -> dict[int, int]:
    """Return round -> median day of the most rounds that are in order; empty where they are too few."""
    medians = {number: int(statistics.median(days)) for number, days in sorted(by_number.items())}
    kept = longest_ascent(list(medians.values()))
    if len(kept) < _FEWEST_ROUNDS or 2 * len(kept) <= len(medians):
        return {}
    numbers = list(medians)
    return {numbers[index]: medians[numbers[index]] for index in kept}


def longest_ascent(values: Sequence[int]) -> list[int]:
    """Return the indices of a longest non-descending subsequence.

    >>> longest_ascent([10, 20, 2, 30, 4])
    [0, 1, 3]
    """
    tails: list[int] = []  # smallest last value of an ascent of each length
    ends: list[int] = []  # index of that value
    previous = [-1] * len(values)
    for index, value in enumerate(values):
        length = bisect_right(tails, value)
        previous[index] = ends[length - 1] if length else -1
        tails[length : length + 1] = [value]
        ends[length : length + 1] = [index]
    chain = []
    at = ends[-1] if ends else -1
    while at >= 0:
        chain.append(at)
        at = previous[at]
    return chain[::-1]
