"""The choices that a model is made with: members of its pool and the few numbers that are chosen rather than fitted.

They are values: a model is made with them, its card holds them, and the next one can be made with the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Self

from models.boosted import BoostedOutcome, default_parameters
from models.ensemble import MEMBERS, Ensemble
from models.goal_model import GoalModel
from models.rating_logit import RatingLogit

_POSITIVE: Final = (0.0, 1e6)  # of precisions and penalties; 0 itself is none
_RANGES: Final[Mapping[str, tuple[float, float]]] = {
    "goal_ridge": _POSITIVE,
    "logit_ridge": _POSITIVE,
    "pool_precision": _POSITIVE,
    "eta": (0.0, 1.0),
    "subsample": (0.0, 1.0),
    "colsample_bytree": (0.0, 1.0),
}
_FROM_ZERO: Final[Mapping[str, tuple[float, float]]] = {"min_child_weight": _POSITIVE, "reg_lambda": _POSITIVE}
# Trees of more than 64 leaves cannot be compiled (models/forest.py).
_WHOLE: Final[Mapping[str, tuple[int, int]]] = {"max_depth": (1, 6), "most_rounds": (1, 1000)}
_OF_THE_TREES: Final = ("eta", "max_depth", "min_child_weight", "reg_lambda", "subsample", "colsample_bytree")


class ChoicesInvalid(ValueError):
    """Say which choice a model cannot be made with, and what was expected."""


@dataclass(frozen=True, slots=True)
class Choices:
    """Hold what an ensemble is made with. Never changed.

    Attributes:
        members: Of the pool, in the order of MEMBERS; the others get no weight.
        goal_ridge: Precision of the goal model's prior.
        logit_ridge: Precision of the rating logit's prior, as a member and where the trees start from.
        pool_precision: Of the prior that draws the pool to equal weights; about the matches it takes to move them.
        eta, max_depth, min_child_weight, reg_lambda, subsample, colsample_bytree: Of XGBoost.
        most_rounds: Boosting rounds at most; how many is chosen on the latest days of what is learned from.

    Raises:
        ChoicesInvalid: If a value is none that a model can be made with.
    """

    members: tuple[str, ...] = MEMBERS
    goal_ridge: float = 10.0
    logit_ridge: float = 5.0
    pool_precision: float = 400.0
    eta: float = 0.1
    max_depth: int = 3
    most_rounds: int = 100
    min_child_weight: float = 100.0
    reg_lambda: float = 20.0
    subsample: float = 0.6
    colsample_bytree: float = 0.3

    def __post_init__(self) -> None:
        """Check every value."""
        if not self.members or tuple(name for name in MEMBERS if name in self.members) != self.members:
            raise ChoicesInvalid(
                f"given the members {self.members!r}, expected at least one of {', '.join(MEMBERS)}, in this order"
            )
        for name, (low, high) in _RANGES.items():
            _check(name, getattr(self, name), low < getattr(self, name) <= high, f"above {low:g}, at most {high:g}")
        for name, (low, high) in _FROM_ZERO.items():
            _check(name, getattr(self, name), low <= getattr(self, name) <= high, f"{low:g} to {high:g}")
        for name, (least, most) in _WHOLE.items():
            value = getattr(self, name)
            is_whole = isinstance(value, int) and least <= value <= most
            _check(name, value, is_whole, f"a whole number from {least} to {most}")

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """Read what ``to_plain`` wrote. Raises ChoicesInvalid if a value is missing, unknown or out of range.

        >>> Choices.from_plain(Choices().to_plain()) == Choices()
        True
        """
        known = {field.name for field in fields(cls)}
        if known != set(plain):
            missing, unknown = sorted(known - set(plain)), sorted(set(plain) - known)
            raise ChoicesInvalid(f"the choices lack {missing} and have unknown {unknown}")
        return cls(**{**plain, "members": tuple(plain["members"])})

    def to_plain(self) -> dict[str, Any]:
        """Return the choices as plain data for the model card."""
        return asdict(self) | {"members": list(self.members)}

    def differences(self, other: Choices) -> dict[str, tuple[Any, Any]]:
        """Return the values that differ by name, ours first.

        >>> Choices(eta=0.05).differences(Choices())
        {'eta': (0.05, 0.1)}
        """
        ours, theirs = self.to_plain(), other.to_plain()
        return {name: (ours[name], theirs[name]) for name in ours if ours[name] != theirs[name]}

    def model(self, *, seed: int, threads: int, validation_days: int) -> Ensemble:
        """Return a fresh model that is made with the choices; arguments as ``Ensemble`` takes them."""
        trees = BoostedOutcome(
            parameters=default_parameters() | {name: getattr(self, name) for name in _OF_THE_TREES},
            most_rounds=self.most_rounds,
            logit=RatingLogit(ridge=self.logit_ridge),
        )
        return Ensemble(
            seed=seed,
            threads=threads,
            validation_days=validation_days,
            members=self.members,
            pool_precision=self.pool_precision,
            goal_model=GoalModel(ridge=self.goal_ridge),
            boosted=trees,
        )


def _check(name: str, value: object, is_good: bool, expected: str) -> None:
    if not is_good:
        raise ChoicesInvalid(f"given {name} {value!r}, expected {expected}")
