"""Several forecasts of one match made one: a logarithmic opinion pool.

The pooled log-odds are a weighted sum of the members' log-odds, so that two
independent members that agree make a surer forecast than either. Source:
Genest & Zidek (1986), "Combining probability distributions".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from models.conditional_logit import fit_conditional_logit
from models.estimator import Array

# Equal weights beat weights that were fitted to a season: it takes many matches to move them.
PRECISION: Final = 400.0


@dataclass(frozen=True, slots=True)
class Pool:
    """Weigh members by name.

    Attributes:
        weights: Of each member, at least 0; they sum to 1, for how far to stretch is the calibration's to say.
    """

    weights: Mapping[str, float]

    @classmethod
    def equal(cls, members: Sequence[str], *, left_out: Sequence[str] = ()) -> Self:
        """Return the pool that trusts all members alike, but for those left out, whose weight is 0.

        >>> Pool.equal(["a", "b"]).weights
        {'a': 0.5, 'b': 0.5}
        """
        return cls(dict.fromkeys(members, 1.0 / len(members)) | dict.fromkeys(left_out, 0.0))

    @classmethod
    def fit(
        cls,
        proba: Mapping[str, Array],
        outcome: NDArray[np.int64],
        *,
        members: Sequence[str] | None = None,
        precision: float = PRECISION,
    ) -> Self:
        """Fit the weights to forecasts that were made before the matches were played.

        A member whose weight would be negative is left out with weight 0.

        Args:
            proba: Member to probabilities, shape (n, 3) each, strictly positive.
            outcome: 0 home, 1 draw, 2 away. Shape (n,).
            members: Weigh these only, the others get 0; None weighs all.
            precision: Of the prior that draws the weights to equal ones; about the matches it takes to move them.
        """
        members = list(proba if members is None else members)
        while True:
            prior = np.full(len(members), 1.0 / len(members))
            logs = np.stack([np.log(proba[name]) for name in members], axis=2)
            weights = fit_conditional_logit(logs, outcome, prior=prior, precision=np.full(len(prior), precision))
            if weights.min() >= 0.0 or len(members) == 1:
                weights = weights if len(members) > 1 else np.ones(1)
                kept = dict(zip(members, (weights / weights.sum()).tolist(), strict=True))
                return cls({name: kept.get(name, 0.0) for name in proba})
            members.pop(int(weights.argmin()))

    def log_odds(self, proba: Mapping[str, Array]) -> Array:
        """Return the pooled log-odds up to a constant a row, shape (n, 3), from the members that are there.

        The weights of members that are missing go to the others, in proportion.

        >>> from models.conditional_logit import softmax
        >>> pool = Pool({"a": 0.5, "b": 0.5})
        >>> softmax(pool.log_odds({"a": np.array([[0.5, 0.25, 0.25]])})).round(6)
        array([[0.5 , 0.25, 0.25]])
        """
        there = {name: weight for name, weight in self.weights.items() if name in proba}
        total = sum(there.values())
        if total <= 0.0:  # only members without weight are there: better they than nobody
            there, total = dict.fromkeys(proba, 1.0), float(len(proba))
        return np.asarray(sum(weight / total * np.log(proba[name]) for name, weight in there.items()))
