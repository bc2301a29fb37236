"""Values that a caller puts in the place of computed features, checked against the registry."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping

from features.registry import BY_NAME
from runners.errors import FeatureInvalid


def check_overrides(overrides: Mapping[str, float]) -> None:
    """Accept values of known features within their ranges.

    Raises:
        FeatureInvalid: If a name is unknown (with near names), or a value is out of range (with the range).

    >>> check_overrides({"elo_home": 1600.0})
    """
    for name, value in overrides.items():
        path = f"$.features.{name}"
        feature = BY_NAME.get(name)
        if feature is None:
            near = difflib.get_close_matches(name, BY_NAME, n=3)
            hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
            raise FeatureInvalid(
                f"No feature is called {name!r}.{hint} GET /v1/predictions/models/default lists all.",
                path=path,
                details={"feature": name, "nearest": near},
            )
        if not (math.isfinite(value) and feature.minimum <= value <= feature.maximum):
            raise FeatureInvalid(
                f"Feature {name!r} is {value!r}, expected {feature.minimum:g} to {feature.maximum:g} ({feature.unit}).",
                path=path,
                details={"feature": name, "minimum": feature.minimum, "maximum": feature.maximum},
            )
