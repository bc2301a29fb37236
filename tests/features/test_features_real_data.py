"""Features of real leagues, where the match archive lies beside the project."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from feature_world import changed, same_bits

from features.matches import MatchTable
from features.registry import BY_NAME, NEVER_MISSING
from features.transform import MatchFeatures
from ingest import openfootball
from ingest.repair import settle_dates
from store.records import MatchRecord, Status

pytestmark = pytest.mark.real_data

ARCHIVE = Path(__file__).parents[3] / "shared" / "data" / "openfootball"
LEAGUES = ("de.1", "de.2", "en.1", "en.2")


@pytest.fixture(scope="module")
def matches():
    """Thirteen seasons of four leagues, 18,365 matches, by the source's own names."""
    if not ARCHIVE.is_dir():
        pytest.skip(f"the match archive is not at {ARCHIVE}")
    files = [file for file in openfootball.find_files(str(ARCHIVE)) if file.competition in LEAGUES]
    rows = [row for file in files for row in openfootball.read(file.load(), file.season, file.competition)]
    by_file = {(row.competition, row.season): [] for row in rows if isinstance(row, MatchRecord)}
    for row in rows:
        if isinstance(row, MatchRecord) and row.status is Status.PLAYED and row.kickoff is not None:
            by_file[row.competition, row.season].append(row)
    return as_table([record for file in by_file.values() for record in settle_dates(file).records])


def as_table(records):
    return MatchTable.from_columns(
        match_id=[f"{r.competition}/{r.season}/{r.home}/{r.away}/{i}" for i, r in enumerate(records)],
        competition=[r.competition for r in records],
        season=[r.season for r in records],
        kickoff=[int(r.kickoff.timestamp()) for r in records],
        home=[f"{r.competition[:2]}:{r.home}" for r in records],
        away=[f"{r.competition[:2]}:{r.away}" for r in records],
        home_goals=[r.home_goals for r in records],
        away_goals=[r.away_goals for r in records],
    )


@pytest.fixture(scope="module")
def frame(matches):
    return MatchFeatures().update(matches)


def test_real_values_lie_in_their_ranges(matches, frame):
    """
    No real match has a value out of range, or one missing that never is.
    """
    assert len(matches) > 15_000
    for name, column in zip(frame.names, frame.values.T, strict=True):
        known = column[~np.isnan(column)]
        assert ((known >= BY_NAME[name].minimum) & (known <= BY_NAME[name].maximum)).all(), name
        assert len(known) == len(column) or BY_NAME[name].missing != NEVER_MISSING, name


def test_a_held_out_season_is_served_with_the_bits_of_training(matches, frame):
    """
    Every match of a season, described on the morning of its day, has the features that training gave it.
    """
    first, end = (np.datetime64(date, "D").astype(int) for date in ("2018-08-01", "2019-07-01"))
    serving = MatchFeatures().fit(matches.take(matches.day < first))

    for day in np.unique(matches.day[(matches.day >= first) & (matches.day < end)]):
        today = matches.day == day
        served = serving.transform(matches.take(today).without_results())
        assert changed(served, frame.take(today)) == set()
        serving.update(matches.take(today))


def test_promoted_clubs_are_three_a_season(matches, frame):
    """
    Each season of the Premier League has three newcomers, but the first on record, which has none.
    """
    league = matches.competition == "en.1"
    # From 2020-21 on the source writes other names for the same clubs.
    seasons = sorted(season for season in set(matches.season[league]) if season < "2020-21")

    assert len(seasons) == 10
    for season in seasons:
        rows = league & (matches.season == season) & (frame.column("newcomer_home") == 1.0)
        assert len(set(matches.home[rows])) == (0 if season == seasons[0] else 3), season


def test_better_clubs_have_better_ratings(matches, frame):
    """
    The side with the higher Elo, and the one with more goals expected, wins more often than it loses.
    """
    decided = matches.outcome != 1
    home_won = (matches.outcome == 0)[decided]

    for difference in (
        frame.column("elo_difference"),
        frame.column("pi_goal_difference"),
        frame.column("goals_expected_home") - frame.column("goals_expected_away"),
    ):
        assert ((difference[decided] > 0) == home_won).mean() > 0.6
    assert same_bits(frame.column("chances_attack_home"), frame.column("goals_attack_home"))
