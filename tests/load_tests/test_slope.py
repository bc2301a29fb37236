"""The line through samples of memory: its bound holds the truth, and a leak stands out."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

SLOPE = Path(__file__).parents[2] / "load_tests" / "slope.py"


@pytest.fixture(scope="module")
def slope():
    """The module as the load tests import it: from their folder, which is no package."""
    specification = importlib.util.spec_from_file_location("slope", SLOPE)
    module = importlib.util.module_from_spec(specification)
    sys.modules["slope"] = module
    specification.loader.exec_module(module)
    yield module
    del sys.modules["slope"]


def noise(rng: np.random.Generator, memory: float, size: int = 40) -> np.ndarray:
    """Noise in which each value remembers so much of the one before."""
    values = rng.normal(size=size)
    for place in range(1, size):
        values[place] += memory * values[place - 1]
    return values


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.8])
def test_the_bound_holds_the_true_slope(slope, memory):
    """In at least 85 of 100 series the 95 % bound holds the slope that was put in, however long the noise lasts."""
    rng = np.random.default_rng(20261124)
    requests = np.linspace(0.0, 1.0, 40)
    fits = [slope.fitted_slope(requests, 3.0 * requests + noise(rng, memory)) for _ in range(100)]

    assert sum(fit.low <= 3.0 <= fit.high for fit in fits) >= 85


def test_noise_with_a_memory_widens_the_bound(slope):
    """Samples that follow one another closely say less about the slope than as many that do not."""
    rng = np.random.default_rng(7)
    x = np.arange(40.0)
    widths = [
        np.median([fit.high - fit.low for fit in (slope.fitted_slope(x, noise(rng, memory)) for _ in range(50))])
        for memory in (0.0, 0.8)
    ]

    assert widths[1] > 2 * widths[0]


def test_a_leak_stands_out_of_the_noise(slope):
    """1 kB a request among noise of 100 kB is found: even the lower bound is near it."""
    rng = np.random.default_rng(3)
    requests = np.linspace(200_000, 1_000_000, 30)
    memory = 300e6 + 1024.0 * requests + 100e3 * rng.normal(size=30)

    assert slope.fitted_slope(requests, memory).low > 1000.0


def test_too_few_points_are_refused(slope):
    """Four points, or points at one place, show no slope."""
    with pytest.raises(ValueError, match="4 points cannot show"):
        slope.fitted_slope([1, 2, 3, 4], [1, 2, 3, 4])
    with pytest.raises(ValueError, match="different x"):
        slope.fitted_slope([1] * 6, [1, 2, 3, 4, 5, 6])
