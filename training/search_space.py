"""What `football select` searches: ranges of the choices of a model, as data.

Left out on purpose: drifts, half-lives and weights of the strengths, ratings and form, for each value of them takes a
walk of its own through all matches, and their optima were found to be flat; and most rounds above 200, which every
answer of a server would pay for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
)

from models.choices import Choices

_JOINED: Final = "+"

SPACE: Final[Mapping[str, BaseDistribution]] = {
    "members": CategoricalDistribution(
        (
            "goal_model+rating_logit+xgboost",
            "goal_model+rating_logit",
            "goal_model+xgboost",
            "rating_logit+xgboost",
        )
    ),
    "goal_ridge": FloatDistribution(0.1, 1000.0, log=True),
    "logit_ridge": FloatDistribution(0.1, 1000.0, log=True),
    "pool_precision": FloatDistribution(20.0, 5000.0, log=True),
    "eta": FloatDistribution(0.02, 0.3, log=True),
    "max_depth": IntDistribution(2, 5),
    "most_rounds": IntDistribution(50, 200, step=50),
    "min_child_weight": FloatDistribution(10.0, 500.0, log=True),
    "reg_lambda": FloatDistribution(1.0, 300.0, log=True),
    "subsample": FloatDistribution(0.4, 1.0),
    "colsample_bytree": FloatDistribution(0.15, 1.0),
}


def version() -> str:
    """Return a digest of the space: a study of another space begins anew."""
    text = "\n".join(f"{name} {distribution_to_json(range_)}" for name, range_ in SPACE.items())
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def choices_of(parameters: Mapping[str, Any]) -> Choices:
    """Return the choices at a point of the space."""
    return Choices(**{**parameters, "members": tuple(str(parameters["members"]).split(_JOINED))})


def point_of(choices: Choices) -> dict[str, Any]:
    """Return where choices lie; they may lie outside of the space."""
    return choices.to_plain() | {"members": _JOINED.join(choices.members)}
