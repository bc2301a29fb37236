"""The model that is served: goal model, rating logit and boosted trees, pooled and calibrated.

The pool's weights and the calibration are fitted to forecasts that the members
made of matches they had not seen, block by block through time; the members
then learn from everything. Boosted trees correct what the goal model expects.
The served grid is that of the corrected goals, tilted until its outcomes are
the pool's, so that every market agrees with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from features.frame import FeatureFrame
from features.matches import MatchTable
from features.strengths import GOALS_DISPERSION
from models.boosted import BoostedOutcome
from models.boosted_goals import BoostedGoals
from models.boosted_trees import BoostedTrees
from models.calibration import Calibration, Groups, chosen_kind, group_of
from models.conditional_logit import log_softmax, softmax
from models.conformal import ConformalSets
from models.doubt import members_spread, proba_spread
from models.errors import NotFitted
from models.estimator import Array, played_rows, strictly_positive
from models.explanation import SMOOTH, Explanation, explain
from models.goal_model import GoalModel
from models.pool import PRECISION, Pool
from models.rating_logit import RatingLogit
from models.score_grid import outcome_proba, outcome_proba_of_goals, reconcile, score_grid

T = TypeVar("T", bound=BoostedTrees)

BLOCKS: Final = 2
FEWEST_IN_BLOCK: Final = 400
FEWEST_BEFORE: Final = 400
MEMBERS: Final = ("goal_model", "rating_logit", "xgboost")
DOUBTS: Final = ("chances_doubt_home", "chances_doubt_away")
_FEW: Final = (*SMOOTH, *DOUBTS)
"""What all but the trees see; picked out once, for picking a handful of columns from all costs a lone row as much as a sum."""
# Only the ratio of doubt to dispersion moves the strengths. A goal scatters as a Poisson count does, with dispersion 1:
# on that scale the doubts are smaller by the root of the dispersion that they were reckoned with.
DOUBT_SCALE: Final = GOALS_DISPERSION**-0.5


class Answers(NamedTuple):
    """Hold what is said of n matches.

    Attributes:
        proba: Home, draw and away. Shape (n, 3).
        grid: Score grids that agree with them. Shape (n, SIZE, SIZE).
        spread: Standard deviation of each probability. Shape (n, 3).
        pooled: The pool's own log-odds, before calibration, up to a constant a row. Shape (n, 3).
    """

    proba: Array
    grid: Array
    spread: Array
    pooled: Array


@dataclass
class Ensemble:
    """Predict outcomes with a calibrated pool of three members.

    Fitting again on later matches keeps the chosen weights, calibration and number of rounds until they are
    ``choose_every_days`` old, and then chooses them anew.

    Attributes:
        seed, threads: Of the trees.
        validation_days: Length of a block of forecasts that pool and calibration are fitted to; there are two.
        choose_every_days: 0 chooses at every fit.
        members: Those that the pool may trust, in the order of MEMBERS; the others are fitted and get no weight.
        pool_precision: See ``Pool.fit``.
        goal_model, boosted: Members; the third, the logit, is where ``boosted`` starts.
        goals: Corrects the goal model's expected goals, for what it says of the outcomes and for the score grid.
        pool, calibration: None until fitted.
        sets: Prediction sets at their stated coverage, by competition.
        usual_doubt: Median doubt of log expected goals in training; 0 where none was known.
        chosen_until: Last day (since 1970-01-01) of what the choice was made from; None before the first.
        evidence: What the choice rests on, plain data for the model card.
    """

    seed: int = 0
    threads: int = 1
    validation_days: int = 365
    choose_every_days: int = 0
    members: tuple[str, ...] = MEMBERS
    pool_precision: float = PRECISION
    name: str = "ensemble"
    goal_model: GoalModel = field(default_factory=GoalModel)
    boosted: BoostedOutcome = field(default_factory=BoostedOutcome)
    goals: BoostedGoals = field(default_factory=BoostedGoals)
    pool: Pool | None = None
    calibration: Calibration | None = None
    sets: ConformalSets = field(default_factory=ConformalSets.untested)
    usual_doubt: float = 0.0
    chosen_until: int | None = None
    evidence: dict[str, Any] = field(default_factory=dict)

    def fit(self, matches: MatchTable, features: FeatureFrame) -> Self:
        """Choose on the latest blocks what they have to tell, then fit the members on everything. Raises NothingToLearn."""
        played = played_rows(self.name, matches)
        matches, features = matches.take(played), features.take(played)
        known = features.select(DOUBTS).values
        self.usual_doubt = float(np.median(known[np.isfinite(known)])) if np.isfinite(known).any() else 0.0
        last_day = int(matches.day.max())
        if self.chosen_until is None or not 0 <= last_day - self.chosen_until < self.choose_every_days:
            self._choose(matches, features)
            self.chosen_until = last_day
        self.boosted = self._fresh(self.boosted, self.boosted.rounds).fit(matches, features)
        self.goal_model = self._new_goal_model().fit(matches, features)
        self.goals = self._fresh(self.goals, self.goals.rounds).fit(matches, features, self.goal_model)
        return self

    def predict_proba(self, matches: MatchTable, features: FeatureFrame) -> Array:  # noqa: ARG002 - the contract passes both
        """Return home, draw and away probabilities, shape (n, 3). Raises NotFitted."""
        pool, calibration = self._chosen()
        mass = _outcome_proba(self.goal_model, self.goals, features)
        pooled = pool.log_odds(_said(self.boosted, features, features, mass))
        calibrated = calibration.log_odds(pooled, self.logit.at_home(features), self.groups(features))
        return strictly_positive(softmax(calibrated))

    def forecast(self, features: FeatureFrame) -> Answers:
        """Return probabilities, score grids that agree with them, and how sure they are. Raises NotFitted."""
        pool, calibration = self._chosen()
        few = features.select(_FEW)
        expected = _expected_goals(self.goal_model, self.goals, features, few)
        grid = score_grid(expected[:, 0], expected[:, 1], self.goal_model.rho)
        mass = outcome_proba(grid)
        said = _said(self.boosted, features, few, mass)
        doubt = self._doubt(few)
        group = group_of(doubt)
        pooled = pool.log_odds(said)
        proba = strictly_positive(softmax(calibration.log_odds(pooled, self.logit.at_home(few), group)))
        grid = reconcile(grid, proba, mass)
        spread = np.hypot(
            proba_spread(grid, proba, doubt * DOUBT_SCALE),
            members_spread(said, pool.shares(said), pooled),
        )
        return Answers(proba, grid, spread, pooled)

    def explain(self, features: FeatureFrame) -> Explanation:
        """Return each feature's part in the answers, in log-odds and in probability. Raises NotFitted."""
        return explain(self, features)

    def missing(self) -> tuple[str, ...]:
        """Return the members that cannot speak; the others answer without them."""
        return tuple(one.name for one in (self.boosted, self.goals) if one.booster is None)

    def importance(self) -> dict[str, float]:
        """Return each feature's share of the trees' total gain, highest first. Raises NotFitted."""
        return self.boosted.importance()

    @property
    def logit(self) -> RatingLogit:
        """Return the member that the trees start from."""
        return self.boosted.logit

    @property
    def names(self) -> tuple[str, ...]:
        """Return the columns that the model sees, in order; empty until fitted."""
        return self.boosted.names

    @property
    def calibration_kind(self) -> str:
        """Return how the answers are calibrated, one of ``models.calibration.KINDS``. Raises NotFitted."""
        return self._chosen()[1].kind

    def groups(self, features: FeatureFrame) -> Groups:
        """Return the group that each match is calibrated with. Shape (n,)."""
        return group_of(self._doubt(features))

    def smooth_log_odds(self, features: FeatureFrame, group: Groups) -> Array:
        """Return the answer's log-odds less what all trees add, up to a constant a row. Shape (n, 3). Raises NotFitted."""
        pool, calibration = self._chosen()
        logit = log_softmax(self.logit.log_odds(features))
        said = {"goal_model": np.log(self.goal_model.outcome_proba(features)), "rating_logit": logit}
        if self.boosted.booster is not None:
            said["xgboost"] = logit  # where the trees start from
        return calibration.log_odds(pool.log_odds(said), self.logit.at_home(features), group)

    def scale_of(self, member: str, group: Groups) -> Array:
        """Return what a member's log-odds count in the answer, shape (n,); 0 for one that cannot speak. Raises NotFitted."""
        pool, calibration = self._chosen()
        there = [name for name in MEMBERS if name != self.boosted.name or self.boosted.booster is not None]
        slope: Array = calibration.coefficients[group, 0] * pool.shares(there).get(member, 0.0)
        return slope

    def _chosen(self) -> tuple[Pool, Calibration]:
        if self.pool is None or self.calibration is None:
            raise NotFitted(self.name)
        return self.pool, self.calibration

    def _doubt(self, features: FeatureFrame) -> Array:
        """Return the doubt of both sides' log expected goals, of the usual match where it is not known. Shape (n, 2)."""
        doubt = features.select(DOUBTS).values
        return np.where(np.isfinite(doubt), doubt, self.usual_doubt)

    def _new_goal_model(self) -> GoalModel:
        return GoalModel(ridge=self.goal_model.ridge)

    def _fresh(self, trees: T, rounds: int) -> T:
        """Return trees made with the same choices and with what is chosen here; 0 rounds are to be chosen."""
        return trees.fresh(seed=self.seed, threads=self.threads, validation_days=self.validation_days, rounds=rounds)

    def _choose(self, matches: MatchTable, features: FeatureFrame) -> None:
        """Choose rounds, pool weights and calibration on forecasts of the latest blocks."""
        blocks = _blocks(matches.day, self.validation_days)
        earliest = matches.day < blocks[0][0] if blocks else np.ones(len(matches), dtype=bool)
        self.boosted = self._fresh(self.boosted, 0)
        self.boosted.rounds = self.boosted.choose_rounds(matches.take(earliest), features.take(earliest))
        self.goals = self._fresh(self.goals, 0)
        self.goals.rounds = self.goals.choose_rounds(
            matches.take(earliest), features.take(earliest), self._new_goal_model()
        )
        left_out = [name for name in MEMBERS if name not in self.members]
        self.pool = Pool.equal(self.members, left_out=left_out)
        self.calibration, self.evidence = Calibration.none(), {}
        self.sets = ConformalSets.untested()
        if blocks:
            self._learn_from(self._out_of_fold(matches, features, blocks))

    def _out_of_fold(self, matches: MatchTable, features: FeatureFrame, blocks: list[tuple[int, int]]) -> list[_Block]:
        day = matches.day
        return [
            self._block(
                *((matches.take(rows), features.take(rows)) for rows in (day < first, (first <= day) & (day < end)))
            )
            for first, end in blocks
        ]

    def _block(self, past: tuple[MatchTable, FeatureFrame], now: tuple[MatchTable, FeatureFrame]) -> _Block:
        boosted = self._fresh(self.boosted, self.boosted.rounds).fit(*past)
        goal_model = self._new_goal_model().fit(*past)
        goals = self._fresh(self.goals, self.goals.rounds).fit(*past, goal_model)
        matches, features = now
        said = _said(boosted, features, features, _outcome_proba(goal_model, goals, features))
        at_home = boosted.logit.at_home(features)
        return _Block(said, at_home, self.groups(features), matches.outcome, matches.competition)

    def _learn_from(self, blocks: list[_Block]) -> None:
        earlier, later = blocks
        every = _joined(earlier, later)
        first_pool = self._fitted_pool(earlier)
        kind, losses = chosen_kind(earlier.pooled(first_pool), later.pooled(first_pool))
        self.pool = self._fitted_pool(every)
        self.calibration = Calibration.fit(kind, *every.pooled(self.pool))
        log_odds, at_home, group, outcome = every.pooled(self.pool)
        proba = softmax(self.calibration.log_odds(log_odds, at_home, group))
        self.sets = ConformalSets.fit(proba, every.competition, outcome)
        self.evidence = {
            "matches": len(every.outcome),
            "pool_weights": dict(self.pool.weights),
            "calibration": kind,
            "calibration_log_losses": losses,
            "calibration_coefficients": self.calibration.to_plain(),
            "prediction_sets": self.sets.to_plain(),
        }

    def _fitted_pool(self, block: _Block) -> Pool:
        return Pool.fit(block.said, block.outcome, members=self.members, precision=self.pool_precision)


@dataclass(frozen=True, slots=True)
class _Block:
    """Hold what members said of n matches they had not seen, and what happened."""

    said: Mapping[str, Array]
    at_home: Array
    group: Groups
    outcome: NDArray[np.int64]
    competition: NDArray[np.object_]

    def pooled(self, pool: Pool) -> tuple[Array, Array, Groups, NDArray[np.int64]]:
        """Return the pooled log-odds and the rest, as calibrations take them."""
        return pool.log_odds(self.said), self.at_home, self.group, self.outcome


def _said(boosted: BoostedOutcome, features: FeatureFrame, few: FeatureFrame, mass: Array) -> dict[str, Array]:
    """Return each member's log-odds; trees that are missing say nothing.

    Args:
        few: At least what the logit sees.
        mass: What the goal model's grids say of the outcomes; never 0, for expected goals are kept within reason.
    """
    logit = log_softmax(boosted.logit.log_odds(few))
    said = {"goal_model": np.log(mass), "rating_logit": logit}
    if boosted.booster is not None:
        said["xgboost"] = boosted.log_odds(features, logit)
    return said


def _expected_goals(goal_model: GoalModel, goals: BoostedGoals, features: FeatureFrame, few: FeatureFrame) -> Array:
    """Return expected home and away goals, shape (n, 2): the goal model's where there are no trees that correct them."""
    expected = goal_model.expected_goals(few)
    return expected if goals.booster is None else goals.expected_goals(features, expected)


def _outcome_proba(goal_model: GoalModel, goals: BoostedGoals, features: FeatureFrame) -> Array:
    """Return what the corrected expected goals say of the outcomes, shape (n, 3), for any number of matches."""
    expected = _expected_goals(goal_model, goals, features, features)
    return outcome_proba_of_goals(expected[:, 0], expected[:, 1], goal_model.rho)


def _joined(earlier: _Block, later: _Block) -> _Block:
    return _Block(
        {name: np.concatenate([earlier.said[name], later.said[name]]) for name in earlier.said},
        np.concatenate([earlier.at_home, later.at_home]),
        np.concatenate([earlier.group, later.group]),
        np.concatenate([earlier.outcome, later.outcome]),
        np.concatenate([earlier.competition, later.competition]),
    )


def _blocks(day: NDArray[np.int64], length_days: int) -> list[tuple[int, int]]:
    """Return first day and end of the latest blocks, oldest first; none where they or their past hold too little."""
    end = int(day.max()) + 1
    starts = [end - length_days * number for number in range(BLOCKS, 0, -1)]
    blocks = [(start, start + length_days) for start in starts]
    sizes = [int(((day >= first) & (day < last)).sum()) for first, last in blocks]
    has_enough = min(sizes) >= FEWEST_IN_BLOCK and int((day < starts[0]).sum()) >= FEWEST_BEFORE
    return blocks if has_enough else []
