"""Walk-forward prediction: fit on the past, predict the next days, move on. Never a random split."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from features.batch import Array
from features.matches import MatchTable
from models.class_frequency import ClassFrequency
from models.conditional_logit import softmax
from models.conformal import COVERAGE
from models.dixon_coles import DixonColes
from models.doubt import proba_interval
from models.elo_logit import EloLogit
from models.ensemble import Ensemble
from models.estimator import OutcomeModel, strictly_positive
from training.goal_markets import BASE_RATE, base_rate, market_proba
from training.history import History, TooLittleData, date_of

FEWEST_TO_FIT = 100
Progress = Callable[[int, int], None]
Watch = Callable[[Sequence[OutcomeModel], History], None]


@dataclass(frozen=True, slots=True)
class Forecasts:
    """Hold what each model said of the same matches before they were played.

    Attributes:
        proba: Model name to probabilities, shape (n, 3) each.
        trained_until: Day (since 1970-01-01) from which on the models had seen nothing. Shape (n,).
        set_threshold: Of the prediction sets of the models that have such; see ``models.conformal.members``. Shape (n,)
            each.
        matches_known: Matches on record of the side that had fewer when the match was forecast, counted up to 100; None
            where nobody counted. Shape (n,).
        markets: Model name to probabilities of ``training.goal_markets.MARKETS``, of those that have a score grid and of
            the base rate; empty where nobody asked. Shape (n, 2) each.
        uncalibrated: What the models that are calibrated would have said without. Shape (n, 3) each.
        interval_width: Mean width of the three probabilities' intervals of ``models.conformal.COVERAGE``, of the models
            that have such. Shape (n,) each.
        days_since: Days from the newest result of either side to the match, counted up to 30, NaN before the first; None
            where nobody counted. Shape (n,).
        calibration: Kind of calibration that each match was forecast with, of the models that have one. Shape (n,) each.
    """

    matches: MatchTable
    proba: Mapping[str, Array]
    trained_until: NDArray[np.int64]
    set_threshold: Mapping[str, Array] = field(default_factory=dict)
    matches_known: Array | None = None
    markets: Mapping[str, Array] = field(default_factory=dict)
    uncalibrated: Mapping[str, Array] = field(default_factory=dict)
    interval_width: Mapping[str, Array] = field(default_factory=dict)
    days_since: Array | None = None
    calibration: Mapping[str, NDArray[np.object_]] = field(default_factory=dict)

    def take(self, rows: NDArray[np.int64]) -> Self:
        """Return the forecasts of the chosen matches."""
        return type(self)(
            matches=self.matches.take(rows),
            proba={name: values[rows] for name, values in self.proba.items()},
            trained_until=self.trained_until[rows],
            set_threshold={name: values[rows] for name, values in self.set_threshold.items()},
            matches_known=None if self.matches_known is None else self.matches_known[rows],
            markets={name: values[rows] for name, values in self.markets.items()},
            uncalibrated={name: values[rows] for name, values in self.uncalibrated.items()},
            interval_width={name: values[rows] for name, values in self.interval_width.items()},
            days_since=None if self.days_since is None else self.days_since[rows],
            calibration={name: values[rows] for name, values in self.calibration.items()},
        )


def baselines() -> list[OutcomeModel]:
    """Return fresh baselines, which every report shows beside the model."""
    return [ClassFrequency(), EloLogit(), DixonColes()]


def walk_forward(
    history: History,
    make_models: Callable[[], Sequence[OutcomeModel]],
    *,
    first_day: int,
    end_day: int,
    refit_days: int,
    competitions: Sequence[str] | None = None,
    warm_up_days: int = 0,
    on_progress: Progress = lambda done, total: None,  # noqa: ARG005 - the names are the documentation
    watch: Watch = lambda models, block: None,  # noqa: ARG005 - as above
) -> Forecasts:
    """Predict the matches of a window, refitting every so many days on all that was played before.

    Args:
        make_models: Called once; the models are then fitted again and again, each time on more matches.
        history: All played matches; those before the window are learned from, and so are
            those inside it once they lie behind the refit day.
        first_day, end_day: Days since 1970-01-01; the end is not included.
        refit_days: Days between fits, at least 1.
        competitions: Predict these only; all are learned from. None: predict all.
        on_progress: Called with fits done and fits in all.
        watch: Called with the fitted models and the matches of each block, results included, once it is predicted.

    Raises:
        TooLittleData: If there is too little before the window, or nothing inside it.
    """
    wanted = history.between(first_day, end_day)
    if competitions is not None:
        wanted = wanted.take(np.isin(wanted.matches.competition, list(competitions)))
    _check(history, wanted, first_day, warm_up_days)
    starts = [
        first_day + refit_days * int(block) for block in np.unique((wanted.matches.day - first_day) // refit_days)
    ]
    models = make_models()
    parts: list[_Part] = []
    for done, start in enumerate(starts):
        on_progress(done, len(starts))
        past = history.after_warm_up(warm_up_days).before(start)
        block = wanted.between(start, min(start + refit_days, end_day))
        parts.append(_predict(models, past, block, start))
        watch(models, block)
    on_progress(len(starts), len(starts))
    return _joined(parts)


def _check(history: History, wanted: History, first_day: int, warm_up_days: int) -> None:
    past = len(history.after_warm_up(warm_up_days).before(first_day))
    if past < FEWEST_TO_FIT:
        raise TooLittleData(
            f"only {past} matches lie before {date_of(first_day)} and after a warm-up of {warm_up_days} days; "
            f"at least {FEWEST_TO_FIT} are needed to fit. Start later or ingest earlier seasons"
        )
    if len(wanted) == 0:
        raise TooLittleData("no played match lies in the window; check the dates and the competitions")


class _Part(NamedTuple):
    """Hold what was said of one block, by field of ``Forecasts`` and by model."""

    block: History
    said: dict[str, dict[str, Any]]
    start: int


def _predict(models: Sequence[OutcomeModel], past: History, block: History, start: int) -> _Part:
    blind = block.matches.without_results()
    said: dict[str, dict[str, Any]] = {name: {} for name in _BY_MODEL}
    for model in models:
        fitted = model.fit(past.matches, past.features)
        if isinstance(fitted, Ensemble):
            for name, values in _answers(fitted, block).items():
                said[name][model.name] = values
            continue
        said["proba"][model.name] = fitted.predict_proba(blind, block.features)
        if isinstance(fitted, DixonColes):
            said["markets"][model.name] = market_proba(fitted.grid(blind))
    said["markets"][BASE_RATE] = base_rate(past.matches, len(blind))
    return _Part(block, said, start)


_BY_MODEL: Final = ("proba", "set_threshold", "markets", "uncalibrated", "interval_width", "calibration")


def _answers(model: Ensemble, block: History) -> dict[str, Any]:
    """Return what the ensemble says of a block, by the fields of ``Forecasts``."""
    answers = model.forecast(block.features)
    interval = proba_interval(answers.proba, answers.spread, COVERAGE)
    return {
        "proba": answers.proba,
        "set_threshold": model.sets.thresholds(block.matches.competition),
        "markets": market_proba(answers.grid),
        "uncalibrated": strictly_positive(softmax(answers.pooled)),
        "interval_width": (interval[:, :, 1] - interval[:, :, 0]).mean(axis=1),
        "calibration": np.full(len(block), model.calibration_kind, dtype=object),
    }


def _joined(parts: Sequence[_Part]) -> Forecasts:
    return Forecasts(
        matches=MatchTable.concatenate([part.block.matches for part in parts]),
        trained_until=np.concatenate([np.full(len(part.block), part.start) for part in parts]),
        matches_known=np.concatenate([_of_sides(part.block, "matches_known", np.min) for part in parts]),
        days_since=np.concatenate([_of_sides(part.block, "rest_days", np.fmin.reduce) for part in parts]),
        **{name: _by_name([part.said[name] for part in parts]) for name in _BY_MODEL},
    )


def _by_name(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _of_sides(block: History, feature: str, smaller: Callable[..., Array]) -> Array:
    return smaller(block.features.select((f"{feature}_home", f"{feature}_away")).values, axis=1)
