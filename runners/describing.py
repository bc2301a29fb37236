"""The features of the matches that questions are about, those that share a state described together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from msgspec.structs import replace

from features.batch import Array
from features.matches import MatchTable
from features.transform import MatchFeatures
from runners.questions import Fixture, Question
from runners.timeline import Described, Timeline

MOST_KEPT: Final = 8_192  # described fixtures of one state, 4 MB


@dataclass(frozen=True, slots=True)
class Description:
    """Hold the features of n matches and what they rest on.

    Attributes:
        values: Shape (n, f).
        versions: Digest of the results that each row knows.
        newest: Kick-off of the newest of these, None before the first.
    """

    values: Array
    versions: list[str]
    newest: list[int | None]


def recalled(questions: Sequence[Question], is_over: Callable[[], bool] = lambda: False) -> list[Question]:
    """Return the questions with the features of their matches, looked up or replayed now; may take seconds.

    Args:
        is_over: Asked before each question; once nobody waits any more, the rest is left out.
    """
    found = []
    for question in questions:
        if is_over():
            break
        one = describe([question], len(question.model.features.names))
        found.append(replace(question, recalled=Described(one.values[0], one.versions[0], one.newest[0])))
    return found


def describe(questions: Sequence[Question], width: int) -> Description:
    """Describe the matches of questions of one model, in order; may replay old matches where one is not at hand."""
    found = Description(np.empty((len(questions), width)), [""] * len(questions), [None] * len(questions))
    played: dict[Timeline, list[int]] = defaultdict(list)
    to_come: dict[tuple[Timeline, MatchFeatures], list[int]] = defaultdict(list)
    for place, question in enumerate(questions):
        if question.recalled is not None:
            known = question.recalled
            found.values[place], found.versions[place], found.newest[place] = known.values, known.version, known.newest
        elif question.row is not None:
            played[question.timeline].append(place)
        else:
            to_come[question.timeline, question.timeline.state_before(question.day)].append(place)
    for timeline, places in played.items():
        rows = [row for place in places if (row := questions[place].row) is not None]
        _fill(found, places, *timeline.described_many(rows))
    for (timeline, state), places in to_come.items():
        values = _described_fixtures(timeline, state, [questions[place].fixture for place in places])
        newest = timeline.newest_kickoff(state)
        _fill(found, places, values, [state.digest] * len(places), [newest] * len(places))
    return found


def _fill(
    found: Description, places: list[int], values: Array, versions: Sequence[str], newest: Sequence[int | None]
) -> None:
    found.values[places] = values
    for place, version, kickoff in zip(places, versions, newest, strict=True):
        found.versions[place], found.newest[place] = version, kickoff


def _described_fixtures(timeline: Timeline, state: MatchFeatures, fixtures: Sequence[Fixture]) -> Array:
    """Describe fixtures from a state; what the current state said of one is kept, for it is asked for again and again."""
    if state is not timeline.current:
        return state.transform(_table(fixtures)).values
    kept = timeline.described_fixtures
    fresh = list(dict.fromkeys(fixture for fixture in fixtures if fixture not in kept))
    described = {fixture: kept[fixture] for fixture in fixtures if fixture in kept}
    if fresh:
        described |= zip(fresh, state.transform(_table(fresh)).values, strict=True)
        if len(kept) + len(fresh) > MOST_KEPT:
            kept.clear()
        if len(described) <= MOST_KEPT:
            kept |= described
    return np.array([described[fixture] for fixture in fixtures])


def _table(fixtures: Sequence[Fixture]) -> MatchTable:
    return MatchTable.from_columns(
        match_id=[fixture.match_id for fixture in fixtures],
        competition=[fixture.competition for fixture in fixtures],
        season=[fixture.season for fixture in fixtures],
        kickoff=[fixture.kickoff or 0 for fixture in fixtures],
        home=[fixture.home for fixture in fixtures],
        away=[fixture.away for fixture in fixtures],
        neutral=[fixture.is_neutral_venue for fixture in fixtures],
        odds_home=[fixture.decimal_odds[0] for fixture in fixtures],
        odds_draw=[fixture.decimal_odds[1] for fixture in fixtures],
        odds_away=[fixture.decimal_odds[2] for fixture in fixtures],
    )
