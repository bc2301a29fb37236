"""Several forecasts of one match made one: a logarithmic opinion pool.

The pooled log-odds are a weighted sum of the members' log-odds, so that two
independent members that agree make a surer forecast than either. Source:
Genest & Zidek (1986), "Combining probability distributions".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
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
        said: Mapping[str, Array],
        outcome: NDArray[np.int64],
        *,
        members: Sequence[str] | None = None,
        precision: float = PRECISION,
    ) -> Self:
        """Fit the weights to forecasts that were made before the matches were played.

        A member whose weight would be negative is left out with weight 0.

        Args:
            said: Member to log-odds up to a constant a row, shape (n, 3) each.
            outcome: 0 home, 1 draw, 2 away. Shape (n,).
            members: Weigh these only, the others get 0; None weighs all.
            precision: Of the prior that draws the weights to equal ones; about the matches it takes to move them.
        """
        members = list(said if members is None else members)
        while True:
            prior = np.full(len(members), 1.0 / len(members))
            each = np.stack([said[name] for name in members], axis=2)
            weights = fit_conditional_logit(each, outcome, prior=prior, precision=np.full(len(prior), precision))
            if weights.min() >= 0.0 or len(members) == 1:
                weights = weights if len(members) > 1 else np.ones(1)
                kept = dict(zip(members, (weights / weights.sum()).tolist(), strict=True))
                return cls({name: kept.get(name, 0.0) for name in said})
            members.pop(int(weights.argmin()))

    def log_odds(self, said: Mapping[str, Array]) -> Array:
        """Return the pooled log-odds up to a constant a row, shape (n, 3), from the members that are there.

        >>> Pool({"a": 0.5, "b": 0.5}).log_odds({"a": np.array([[1.0, 0.0, -0.5]])})
        array([[ 1. ,  0. , -0.5]])
        """
        return np.asarray(sum(share * said[name] for name, share in self.shares(said).items()))

    def shares(self, there: Collection[str]) -> dict[str, float]:
        """Return the weights among members that are there: those of the missing go to the others, in proportion.

        >>> Pool({"a": 0.2, "b": 0.3, "c": 0.5}).shares(["a", "b"])
        {'a': 0.4, 'b': 0.6}
        """
        weights = {name: weight for name, weight in self.weights.items() if name in there}
        total = sum(weights.values())
        if total <= 0.0:  # only members without weight are there: better they than nobody
            return dict.fromkeys(there, 1.0 / len(there))
        return {name: weight / total for name, weight in weights.items()}
