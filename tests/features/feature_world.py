"""Small leagues for the tests of the features: single matches written out, and whole ones drawn at random."""

from __future__ import annotations

import numpy as np

from features.matches import SECONDS_PER_DAY, MatchTable
from features.transform import MatchFeatures

FIRST_DAY = 17_002  # 2016-07-20
NAN = float("nan")


def match(home, away, home_goals=NAN, away_goals=NAN, *, day, competition="xx.1", season="1", **more):
    """One row of a match table; ``day`` counts from FIRST_DAY."""
    row = {"home": home, "away": away, "home_goals": home_goals, "away_goals": away_goals, "season": season}
    kickoff = (FIRST_DAY + day) * SECONDS_PER_DAY + more.pop("second", 0)
    match_id = more.pop("match_id", f"{day}/{competition}/{home}/{away}")
    return row | {"competition": competition, "kickoff": kickoff, "match_id": match_id} | more


def table(*rows):
    """Rows of ``match`` as a match table; numbers that no row gives are unknown."""
    numbers = ("home_xg", "away_xg", "odds_home", "odds_draw", "odds_away")
    needed = ("match_id", "competition", "season", "kickoff", "home", "away", "home_goals", "away_goals")
    columns = {name: [row[name] for row in rows] for name in needed}
    columns |= {name: [row.get(name, NAN) for row in rows] for name in numbers}
    return MatchTable.from_columns(**columns, neutral=[row.get("neutral", False) for row in rows])


def after(*rows):
    """Features that have learned the given rows."""
    return MatchFeatures().fit(table(*rows))


def described(state, row):
    """The features of one match by name, from a state."""
    frame = state.transform(table(row))
    return dict(zip(frame.names, frame.values[0].tolist(), strict=True))


def random_matches(seed, *, days=20, clubs=10, share_played=0.95, tidy=False):
    """Random matches of three divisions, a cup and friendlies, in any order.

    Some have xG, some odds, some a neutral venue, a few were never played; clubs move between the divisions with
    the seasons. Unless ``tidy``, a club may play twice in a day and in several divisions of one season.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for day in sorted(set(rng.integers(0, 15 * days, days).tolist())):
        for number, (home, away) in enumerate(_pairings(rng, clubs, tidy)):
            season = day // 150
            row = match(
                f"xx:Club {home}",
                f"xx:Club {away}",
                *rng.poisson([1.6, 1.2]).astype(float).tolist(),
                day=day,
                competition=_competition(rng, home, away, season, tidy),
                season=str(season),
                second=int(rng.integers(0, 86_400)),
                match_id=f"{rng.integers(1_000_000)}/{day}/{number}",
                neutral=bool(rng.random() < 0.1),
            )
            row |= _xg(rng) if rng.random() < 0.4 else {}
            row |= _odds(rng) if rng.random() < 0.4 else {}
            row |= {} if rng.random() < share_played else {"home_goals": NAN, "away_goals": NAN}
            rows.append(row)
    return table(*(rows[i] for i in rng.permutation(len(rows))))


def same_bits(one, other):
    """Whether two arrays hold the same bits, NaN and the sign of zero included."""
    return one.shape == other.shape and one.tobytes() == other.tobytes()


def changed(one, other):
    """Names of the columns in which two frames of as many rows differ by any bit."""
    pairs = zip(one.values.T, other.values.T, strict=True)
    return {name for name, (a, b) in zip(one.names, pairs, strict=True) if not same_bits(a, b)}


def _pairings(rng, clubs, tidy):
    count = rng.integers(1, 5)
    if not tidy:
        return [tuple(rng.choice(clubs, 2, replace=False).tolist()) for _ in range(count)]
    count = min(count, clubs // 2)
    return rng.permutation(clubs)[: 2 * count].reshape(-1, 2).tolist()


def _competition(rng, home, away, season, tidy):
    division, other = ((club // (1 + season % 2) + season) % 3 for club in (home, away))
    is_league = division == other if tidy else rng.random() < 0.8
    return f"xx.{division + 1}" if is_league else rng.choice(["xx.cup", "friendlies"])


def _xg(rng):
    return dict(zip(("home_xg", "away_xg"), rng.gamma(3.0, 0.5, 2).tolist(), strict=True))


def _odds(rng):
    proba = rng.dirichlet([5.0, 3.0, 3.0])
    return dict(zip(("odds_home", "odds_draw", "odds_away"), (0.95 / proba).tolist(), strict=True))
