"""Whether the forecasts of matches that were played still mean what they say: an alarm, match by match.

For each way in which forecasts may have gone wrong (too bold, too timid, the home side or the draw too likely or too unlikely)
a cumulative sum of log-likelihood ratios is kept (Page, 1954): evidence for that error adds to it, evidence
against it takes it back to zero and no further. The alarm is raised when any of them passes a bound.

The bound is not a number from a table. Outcomes are drawn many times from the forecasts themselves, as if these were right, and
the bound is what so few of those seasons pass. So the alarm is false in that share of seasons, whatever
the forecasts look like.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.batch import Array
from models.scores import Outcomes

SEASON: Final = 380
FALSE_ALARMS: Final = 0.005
SEASONS_DRAWN: Final = 2_000
_SEED: Final = 20_261_126

ERRORS: Final[dict[str, tuple[float, float, float]]] = {
    "too bold": (0.5, 0.0, 0.0),
    "a little too bold": (0.75, 0.0, 0.0),
    "a little too timid": (1.33, 0.0, 0.0),
    "too timid": (2.0, 0.0, 0.0),
    "home too likely": (1.0, -0.75, 0.0),
    "home a little too likely": (1.0, -0.35, 0.0),
    "home a little too unlikely": (1.0, 0.35, 0.0),
    "home too unlikely": (1.0, 0.75, 0.0),
    "draw too likely": (1.0, 0.0, -0.5),
    "draw too unlikely": (1.0, 0.0, 0.5),
}
"""What the truth would be: the log-odds times the first number, plus the others for the home side and for the draw."""


class Watched(NamedTuple):
    """Hold what the sums say.

    Attributes:
        matches: Watched, the newest at most a season of them.
        evidence: The largest sum after the last match, in nats.
        bound: What raises the alarm.
        error: The error that the largest sum speaks for; empty where none does.
        alarmed_at: The match at which a sum first passed the bound, counted from 1; None for never.
    """

    matches: int
    evidence: float
    bound: float
    error: str
    alarmed_at: int | None

    @property
    def is_alarmed(self) -> bool:
        """Return whether the bound was passed."""
        return self.alarmed_at is not None


def watch(proba: Array, outcome: Outcomes, *, false_alarms: float = FALSE_ALARMS) -> Watched:
    """Look at forecasts in the order of their matches; of more than a season the newest count.

    Args:
        proba: Home, draw, away. Shape (n, 3).
        outcome: Column of what happened. Shape (n,).
        false_alarms: Share of seasons of right forecasts in which an alarm is raised all the same.
    """
    proba, outcome = proba[-SEASON:], outcome[-SEASON:]
    if len(outcome) == 0:
        return Watched(0, 0.0, float("inf"), "", None)
    sums = evidence(proba, outcome)
    bound = bound_of(proba, log_ratios(proba), false_alarms=false_alarms)
    passed = np.flatnonzero(sums.max(axis=0) > bound)
    largest = int(sums[:, -1].argmax())
    most = float(sums[largest, -1])
    return Watched(
        matches=len(outcome),
        evidence=most,
        bound=bound,
        error=list(ERRORS)[largest] if most > 0.0 else "",
        alarmed_at=int(passed[0]) + 1 if len(passed) else None,
    )


def evidence(proba: Array, outcome: Outcomes) -> Array:
    """Return the sum for each error after each match, in nats. Shape (errors, n)."""
    return _sums(log_ratios(proba)[:, np.arange(len(outcome)), outcome][:, :, None])[:, :, 0]


def log_ratios(proba: Array) -> Array:
    """Return for each error what each outcome would say for it: log of its probability under the error over that stated.

    Shape (n, 3) to (errors, n, 3).

    >>> ratio = log_ratios(np.array([[0.5, 0.25, 0.25]]))[list(ERRORS).index("too timid")]
    >>> np.exp(ratio).round(3).tolist()  # squared and made to sum to one: .667, .167, .167
    [[1.333, 0.667, 0.667]]
    """
    stated = np.log(proba)
    wrong = np.array([slope * stated + np.array([home, draw, 0.0]) for slope, home, draw in ERRORS.values()])
    wrong -= np.log(np.exp(wrong).sum(axis=2, keepdims=True))
    ratios: Array = wrong - stated
    return ratios


def bound_of(proba: Array, ratios: Array, *, false_alarms: float, seasons: int = SEASONS_DRAWN) -> float:
    """Return what the largest sum passes in so small a share of seasons, if the forecasts are right.

    Args:
        ratios: As ``log_ratios`` gives them. Shape (errors, n, 3).
    """
    draw = np.random.default_rng(_SEED)
    below = np.cumsum(proba, axis=1)[:, :2, None]
    drawn: NDArray[np.int64] = (draw.random((len(proba), 1, seasons)) > below).sum(axis=1)
    highest = np.zeros(seasons)
    sums = np.zeros((len(ratios), seasons))
    for match, outcomes in enumerate(drawn):
        sums = np.maximum(0.0, sums + ratios[:, match, outcomes])
        np.maximum(highest, sums.max(axis=0), out=highest)
    return float(np.quantile(highest, 1.0 - false_alarms))


def _sums(steps: Array) -> Array:
    """Return the cumulative sums that never fall below zero. Shape (errors, n, k), along n."""
    sums = np.empty_like(steps)
    before = np.zeros((len(steps), steps.shape[2]))
    for match in range(steps.shape[1]):
        before = np.maximum(0.0, before + steps[:, match])
        sums[:, match] = before
    return sums
