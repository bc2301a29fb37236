"""Features against their definitions, written as loops over matches and in scalars."""

from __future__ import annotations

import numpy as np
from feature_world import random_matches
from hypothesis import given, settings
from hypothesis import strategies as st
from strength_loops import Match, PlainStrengths

from features.matches import level_of
from features.transform import MatchFeatures


class Played:
    """One earlier match from the side of one club."""

    def __init__(self, row, matches, club):
        self.day, self.neutral = int(matches.day[row]), bool(matches.neutral[row])
        self.competition, self.season = matches.competition[row], matches.season[row]
        self.at_home = matches.home[row] == club
        goals = float(matches.home_goals[row]), float(matches.away_goals[row])
        self.goals_for, self.goals_against = goals if self.at_home else goals[::-1]
        self.opponent = (matches.away if self.at_home else matches.home)[row]
        self.margin = self.goals_for - self.goals_against
        self.points = 3.0 if self.margin > 0 else float(self.margin == 0)


def record_of(club, matches, day):
    """Matches of a club before a day, newest first."""
    rows = np.flatnonzero(matches.played & (matches.day < day) & ((matches.home == club) | (matches.away == club)))
    return sorted((Played(row, matches, club) for row in rows), key=lambda match: -match.day)


def mean(values):
    return float(np.mean(values)) if values else np.nan


def expected_features(row, matches):
    """What the counting features of one row should be."""
    day, expected = int(matches.day[row]), {}
    for side, club in (("home", matches.home[row]), ("away", matches.away[row])):
        record = record_of(club, matches, day)
        venue = [match for match in record if not match.neutral and match.at_home == (side == "home")]
        if matches.neutral[row]:
            venue = record
        for window, chosen in (("form5", record[:5]), ("form10", record[:10]), ("venue5", venue[:5])):
            for measure in ("points", "goals_for", "goals_against"):
                expected[f"{window}_{measure}_{side}"] = mean([getattr(match, measure) for match in chosen])
        expected[f"rest_days_{side}"] = min(day - record[0].day, 30) if record else np.nan
        expected[f"matches_14_days_{side}"] = min(6, sum(day - match.day <= 14 for match in record))
        expected[f"matches_known_{side}"] = min(100, len(record))
        expected |= season_of(side, record, matches.competition[row], matches.season[row])
        expected[f"newcomer_{side}"] = newcomer(record, matches, row)
    return expected | meetings(matches, row, day)


def season_of(side, record, competition, season):
    league = [match for match in record if not np.isnan(level_of(match.competition))]
    this = [match for match in league if (match.competition, match.season) == (competition, season)]
    return {
        f"season_matches_{side}": len(this),
        f"season_points_{side}": mean([match.points for match in this]),
        f"season_margin_{side}": mean([match.margin for match in this]),
    }


def newcomer(record, matches, row):
    """Whether a club's last league season was another than the last season of this division."""
    competition, season = matches.competition[row], matches.season[row]
    if np.isnan(level_of(competition)):
        return np.nan
    earlier = matches.played & (matches.day < matches.day[row]) & (matches.season != season)
    past = sorted({int(other) for other in matches.season[earlier & (matches.competition == competition)]})
    league = [match for match in record if not np.isnan(level_of(match.competition)) and match.season != season]
    if not league:
        return float(bool(past))
    return float(not past or (league[0].competition, league[0].season) != (competition, str(past[-1])))


def meetings(matches, row, day):
    record = [match for match in record_of(matches.home[row], matches, day) if match.opponent == matches.away[row]][:6]
    total = sum(match.margin for match in record)
    return {"head_to_head_matches": len(record), "head_to_head_margin": total / (len(record) + 3)}


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_counting_features_equal_plain_loops(seed):
    """
    Form, rest, congestion, experience, season, newcomers and meetings equal their definitions on random leagues.
    """
    matches = random_matches(seed, days=60, clubs=7, tidy=True)
    frame = MatchFeatures().update(matches)

    for row in np.random.default_rng(seed).permutation(len(matches))[:25]:
        expected = expected_features(row, matches)
        given_values = dict(zip(frame.names, frame.values[row], strict=True))
        for name, value in expected.items():
            np.testing.assert_allclose(given_values[name], value, rtol=1e-12, atol=1e-12, err_msg=name)


def rows_as_matches(matches):
    """The rows of a table as records of numbers and texts, with the row, by day."""
    days = {}
    for row in np.argsort(matches.day, kind="stable").tolist():
        match = Match(
            day=int(matches.day[row]),
            competition=matches.competition[row],
            level=level_of(matches.competition[row]),
            season=matches.season[row],
            home=matches.home[row],
            away=matches.away[row],
            at_home=0.0 if matches.neutral[row] else 1.0,
            goals=(float(matches.home_goals[row]), float(matches.away_goals[row])),
            xg=(float(matches.home_xg[row]), float(matches.away_xg[row])),
        )
        days.setdefault(match.day, []).append((row, match))
    return list(days.values())


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([("goals", 0.0), ("chances", 0.7)]))
def test_strengths_equal_plain_loops(seed, family):
    """
    Attack, defence, expected goals and doubt equal the same formulas done in scalars, on random leagues with a cup.
    """
    prefix, xg_weight = family
    matches = random_matches(seed, days=40, clubs=7, tidy=True)
    frame = MatchFeatures().update(matches)
    plain = PlainStrengths(xg_weight)

    for day in rows_as_matches(matches):
        for row, match in day:
            given_values = dict(zip(frame.names, frame.values[row], strict=True))
            for name, value in plain.describe(match).items():
                np.testing.assert_allclose(given_values[f"{prefix}_{name}"], value, rtol=1e-9, err_msg=name)
        if played := [match for row, match in day if matches.played[row]]:
            plain.learn(played)
