"""Sections on the forecasts themselves: how sure they are, where they missed most."""

from __future__ import annotations

from typing import Final

import numpy as np

from features.matches import team_name
from models.scores import accuracy, binned_reliability, log_loss
from reports.calibration_plots import accuracy_by_confidence
from reports.forecast_plots import OUTCOMES, confusion_plot, sharpness
from reports.page import Plot, Section, Table
from reports.subject import Subject
from reports.wording import number, share
from training.history import date_of

MISSES: Final = 15


def confidence(subject: Subject) -> Section:
    """Return the section of sharpness, confusion and accuracy by confidence."""
    proba, outcome, best = subject.ours, subject.outcome, subject.best_baseline
    names = [subject.model] if best is None else [subject.model, best]
    favourites = {subject.title(name): subject.forecasts.proba[name].max(axis=1) for name in names}
    counts = np.zeros((3, 3), dtype=np.int64)
    np.add.at(counts, (proba.argmax(axis=1), outcome), 1)
    right = binned_reliability(proba.max(axis=1), accuracy(proba, outcome) == 1.0)
    return Section(
        anchor="confidence",
        title="Sharpness and accuracy",
        aid="The further right the bars, the more is said; that is worth something only where the favourite is right as often "
        "as it should be. A draw is hardly ever the most likely outcome, even where it is likely.",
        plots=[
            Plot(sharpness(favourites, name="sharpness"), "How often the favourite was given which probability."),
            Plot(confusion_plot(counts, name="confusion"), "Counts; shares of each row below them."),
            Plot(accuracy_by_confidence(right, name="confidence"), "Dashed: as often right as it says."),
        ],
    )


def misses(subject: Subject) -> Section:
    """Return the section of the matches with the largest log loss; of equals the earlier comes first."""
    loss = log_loss(subject.ours, subject.outcome)
    rows = np.lexsort((subject.matches.match_id.astype(str), subject.matches.kickoff, -loss))[:MISSES]
    header = ["date", "competition", "home", "away", "result", *OUTCOMES, "log loss"]
    return Section(
        anchor="misses",
        title="Biggest misses",
        aid="Upsets happen: of matches called at 5 %, one in twenty comes. Look for a kind of match that comes up again and again.",
        tables=[
            Table(
                f"The {len(rows)} matches with the largest log loss of ours",
                header,
                [_miss(subject, int(row), loss[row]) for row in rows],
                text_columns=4,
            )
        ],
    )


def _miss(subject: Subject, row: int, loss: float) -> list[str]:
    matches = subject.matches
    return [
        date_of(int(matches.day[row])).isoformat(),
        matches.competition[row],
        team_name(matches.home[row]),
        team_name(matches.away[row]),
        f"{int(matches.home_goals[row])}:{int(matches.away_goals[row])}",
        *(share(p) for p in subject.ours[row]),
        number(float(loss), 2),
    ]
