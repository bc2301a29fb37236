"""Whether one forecaster is better than another on the same matches: a test whose error rate is stated, and is spent.

The differences are added up by weeks, as in the reports' intervals; the test turns their signs at random.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.batch import Array

FLIPS: Final = 9_999
_BLOCK: Final = 1_000  # flips at once: 1,000 x 500 weeks take 4 MB


class SignFlip(NamedTuple):
    """Hold a one-sided p-value, and over how many groups it was reckoned."""

    p: float
    groups: int


def sign_flip_test(difference: Array, groups: NDArray[np.int64], *, seed: int, flips: int = FLIPS) -> SignFlip:
    """Return how often chance alone makes the sum of the differences as low as it is.

    If neither forecaster is better, each group's sum of differences is as likely to have the other sign. The p-value
    counts the observed signs among the flipped ones, so it is never 0 and its error rate is kept exactly.

    Args:
        difference: Challenger's score minus champion's, lower is better. Shape (n,).
        groups: Week of each match, any integers; signs are turned by whole groups. Shape (n,).
        seed: Same seed, same p-value.
        flips: Random sign patterns beside the observed one.

    Raises:
        ValueError: If the lengths differ or there is no match.

    Source: Fisher's randomisation test; Good (2005), "Permutation, parametric and bootstrap tests of hypotheses", ch. 3.

    >>> sign_flip_test(np.zeros(3), np.arange(3), seed=1).p  # never better
    1.0
    """
    if not 0 < len(difference) == len(groups):
        raise ValueError(
            f"given {len(difference)} differences with {len(groups)} groups, expected equally many, at least one"
        )
    place = np.unique(groups, return_inverse=True)[1]
    total = np.bincount(place, difference)
    observed = total.sum()
    # A flipped sum equal to the observed one but for rounding counts as equal.
    limit = observed + 1e-12 * np.abs(total).sum()
    rng, as_low = np.random.default_rng(seed), 0
    for start in range(0, flips, _BLOCK):
        signs = rng.integers(0, 2, (min(_BLOCK, flips - start), len(total))) * 2 - 1
        as_low += int((signs @ total <= limit).sum())
    return SignFlip((1 + as_low) / (1 + flips), len(total))


def error_rate_of_look(error_rate: float, look: int) -> float:
    """Return what the look of a number may spend of an error rate that all looks at the same matches share.

    The shares 1/2, 1/6, 1/12, ... add up to 1: however often one looks, the chance of a false promotion in any of the
    looks stays below the error rate.

    Args:
        error_rate: Of all looks together, between 0 and 1.
        look: 1 for the first.

    Raises:
        ValueError: If a number is out of range.

    >>> [round(error_rate_of_look(0.05, look), 5) for look in (1, 2, 3)]
    [0.025, 0.00833, 0.00417]
    """
    if not 0.0 < error_rate < 1.0 or look < 1:
        raise ValueError(
            f"given the error rate {error_rate} at look {look}, expected one between 0 and 1 at look 1 or later"
        )
    return error_rate / (look * (look + 1))
