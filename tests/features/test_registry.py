"""The registry of features, read by the API, the docs and the checks of overrides."""

from __future__ import annotations

import subprocess
import sys

from features.registry import BY_NAME, FEATURES_VERSION, NAMES, REGISTRY, schema_digest


def test_every_feature_says_what_it_is():
    """
    Name, meaning, unit, missing rule and version are given, and every range holds something.
    """
    for feature in REGISTRY:
        assert feature.name
        assert len(feature.meaning) > 5
        assert feature.unit
        assert feature.missing.startswith(("never missing", "missing "))
        assert feature.minimum < feature.maximum
        assert 1 <= feature.version <= FEATURES_VERSION


def test_meanings_are_not_copied():
    """
    No two features have the same meaning.
    """
    assert len({feature.meaning for feature in REGISTRY}) == len(REGISTRY)
    assert tuple(BY_NAME) == NAMES


def test_features_of_a_side_come_in_pairs():
    """
    Every feature of the home side has its twin of the away side, with the same unit and range.
    """
    for name, feature in BY_NAME.items():
        if name.endswith("_home"):
            twin = BY_NAME[name.removesuffix("_home") + "_away"]
            assert (twin.unit, twin.minimum, twin.maximum, twin.missing) == (
                feature.unit,
                feature.minimum,
                feature.maximum,
                feature.missing,
            )


def test_the_schema_digest_is_that_of_every_process():
    """
    Another process computes the same digest.
    """
    code = "from features.registry import schema_digest; print(schema_digest())"

    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert answer.stdout.strip() == schema_digest()
