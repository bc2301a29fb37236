"""A league of made-up clubs with made-up odds, in a store and as the file that a user might have."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import numpy as np

from store.records import Statistics

HEADER = ("Div", "Date", "Time", "HomeTeam", "AwayTeam", "FTHG", "FTAG", "FTR", "PSCH", "PSCD", "PSCA")
WINTER = ("2022-12-01", "2023-02-15")
"""A window in which UK time is UTC."""


def priced(records, *, seed=7):
    """The first league's matches as England's, every other one of the last seasons with odds before kick-off.

    The bookmaker knows no club: he shades the usual frequencies at random and adds his margin.
    """
    rng = np.random.default_rng(seed)
    for number, one in enumerate(record for record in records if record.competition == "xa.1"):
        weights = np.array([0.45, 0.26, 0.29]) * rng.uniform(0.7, 1.3, 3)
        home, draw, away = np.round(weights.sum() / weights / 1.05, 2).tolist()
        known = Statistics(odds_home=home, odds_draw=draw, odds_away=away)
        is_priced = number % 2 == 0 and one.season >= "2021-22"
        yield replace(one, competition="en.1", statistics=known if is_priced else Statistics())


def closing_file(records, *, moved=1.03):
    """The user's file: the same odds a little shorter, under the names of closing ones, and empty where there are none."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(HEADER)
    for one in records:
        told = one.statistics
        prices = ["" if p is None else p / moved for p in (told.odds_home, told.odds_draw, told.odds_away)]
        result = "HDA"[1 - int(np.sign(one.home_goals - one.away_goals))]
        moment = ["" if one.is_date_only else f"{one.kickoff:%H:%M}"]
        teams_and_goals = [one.home, one.away, one.home_goals, one.away_goals, result]
        writer.writerow(["E0", f"{one.kickoff:%d/%m/%Y}", *moment, *teams_and_goals, *prices])
    return text.getvalue().encode()
