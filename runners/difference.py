"""Why two models answer the same question differently, as a sum: where they start, and what each feature adds."""

from __future__ import annotations

from typing import Final

import msgspec

from runners.contributions import Contribution, OfOutcomes
from runners.queries import Forecast

_NOTHING: Final[OfOutcomes] = (0.0, 0.0, 0.0)


class FeatureDifference(msgspec.Struct, frozen=True):
    """Hold what one feature has to do with the difference of two forecasts.

    Attributes:
        values: What each model saw; None if unknown, or if the model does not see the feature.
        is_seen: Whether each model sees the feature; what it adds to the forecast of one that does not is 0.
        log_odds, proba: What it adds to the second forecast less what it adds to the first.
    """

    feature: str
    values: tuple[float | None, float | None]
    is_seen: tuple[bool, bool]
    log_odds: OfOutcomes
    proba: OfOutcomes

    @property
    def is_same_value(self) -> bool:
        """Return whether both models see the feature and saw the very same in it."""
        return all(self.is_seen) and self.values[0] == self.values[1]


class ForecastDifference(msgspec.Struct, frozen=True):
    """Hold the second forecast less the first. Base and all features add up to margin and to proba.

    Attributes:
        base, base_proba: Of the usual match, in centred log-odds and in probability.
        margin, proba: Of the forecasts.
        features: Of either model, by their largest part in probability, largest first.
    """

    base: OfOutcomes
    base_proba: OfOutcomes
    margin: OfOutcomes
    proba: OfOutcomes
    features: tuple[FeatureDifference, ...]


def difference(first: Forecast, second: Forecast) -> ForecastDifference:
    """Return why the second forecast of a match is another one than the first.

    Raises:
        ValueError: If one of them has no explanation.
    """
    before, after = first.explanation, second.explanation
    if before is None or after is None:
        raise ValueError("a forecast without an explanation cannot be compared; ask for both with explain=True")
    old = {part.feature: part for part in before.contributions}
    new = {part.feature: part for part in after.contributions}
    features = [_of_feature(name, old.get(name), new.get(name)) for name in dict.fromkeys((*old, *new))]
    return ForecastDifference(
        base=less(after.base, before.base),
        base_proba=less(after.base_proba, before.base_proba),
        margin=less(after.margin, before.margin),
        proba=less(second.proba, first.proba),
        features=tuple(sorted(features, key=_size, reverse=True)),
    )


def less(one: OfOutcomes, other: OfOutcomes) -> OfOutcomes:
    """Return one less the other, outcome by outcome.

    >>> less((0.5, 0.25, 0.25), (0.25, 0.25, 0.5))
    (0.25, 0.0, -0.25)
    """
    return one[0] - other[0], one[1] - other[1], one[2] - other[2]


def _of_feature(name: str, old: Contribution | None, new: Contribution | None) -> FeatureDifference:
    return FeatureDifference(
        feature=name,
        values=(None if old is None else old.value, None if new is None else new.value),
        is_seen=(old is not None, new is not None),
        log_odds=less(_NOTHING if new is None else new.log_odds, _NOTHING if old is None else old.log_odds),
        proba=less(_NOTHING if new is None else new.proba, _NOTHING if old is None else old.proba),
    )


def _size(one: FeatureDifference) -> float:
    return max(abs(part) for part in one.proba)
