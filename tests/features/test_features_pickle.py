"""The state travels by value: it loads and works where only numpy and cloudpickle can be imported."""

from __future__ import annotations

import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cloudpickle
import numpy as np
import pytest
from feature_world import random_matches, same_bits

import features
from features.registry import NAMES
from features.transform import MatchFeatures

ABSENT = ("features", "models", "pandas", "bentoml", "pydantic", "xgboost", "scipy", "sklearn")

SCRIPT = """
import importlib.util, pickle, sys

sys.path[:] = [path for path in sys.path if "-packages" not in path] + [{site!r}]
found = [name for name in {absent!r} if importlib.util.find_spec(name)]
assert not found, found
with open("state.pkl", "rb") as file:
    state, fixtures, results = pickle.load(file)
before = state.transform(fixtures).values
row = state.transform_one(fixtures.take([3]))
frame = state.update(results)
after = state.transform(fixtures).values
sys.stdout.buffer.write(before.tobytes() + row.tobytes() + frame.values.tobytes() + after.tobytes() + state.digest.encode())
"""


@pytest.fixture
def bare_site(tmp_path):
    """A folder of packages with numpy and cloudpickle in it and nothing else."""
    site = tmp_path / "site"
    site.mkdir()
    for package in (np, cloudpickle):
        folder = Path(package.__file__).parent
        (site / folder.name).symlink_to(folder)
        libraries = folder.with_name(f"{folder.name}.libs")
        if libraries.is_dir():
            (site / libraries.name).symlink_to(libraries)
    return site


def later(matches):
    """The same matches three years on."""
    return replace(matches, kickoff=matches.kickoff + 10**8)


def by_value(thing):
    """Pickle a thing with the code of features inside."""
    cloudpickle.register_pickle_by_value(features)
    try:
        return cloudpickle.dumps(thing)
    finally:
        cloudpickle.unregister_pickle_by_value(features)


def test_a_state_pickled_by_value_works_without_the_project(tmp_path, bare_site):
    """
    In a process without features, pandas, pydantic or bentoml it describes and learns with the same bits.
    """
    state = MatchFeatures().fit(random_matches(1, days=40))
    fixtures = later(random_matches(2, clubs=13)).without_results()
    results = later(random_matches(3))
    (tmp_path / "state.pkl").write_bytes(by_value((state, fixtures, results)))

    script = SCRIPT.format(site=str(bare_site), absent=ABSENT)
    answer = subprocess.run([sys.executable, "-I", "-S", "-c", script], capture_output=True, check=False, cwd=tmp_path)

    assert answer.returncode == 0, answer.stderr.decode()
    before, row = state.transform(fixtures).values, state.transform_one(fixtures.take([3]))
    frame, after = state.update(results).values, state.transform(fixtures).values
    assert answer.stdout == b"".join(part.tobytes() for part in (before, row, frame, after)) + state.digest.encode()


def test_a_state_pickles_and_goes_on_as_before():
    """
    After pickling and loading, a state describes, learns and digests as the original does.
    """
    state = MatchFeatures().fit(random_matches(1))
    loaded = pickle.loads(pickle.dumps(state))
    more = later(random_matches(2))

    assert same_bits(loaded.update(more).values, state.update(more).values)
    assert loaded.digest == state.digest
    assert loaded.names == NAMES


def test_the_state_is_arrays_dicts_and_numbers():
    """
    Nothing but plain values and the families themselves is found in the state.
    """
    kinds = {type(value) for value in contents(MatchFeatures().fit(random_matches(1)))}

    assert kinds <= {np.ndarray, dict, list, tuple, str, int, float}


def contents(thing):
    """Every value in a state, with the families of features opened up."""
    if type(thing).__module__.startswith("features."):
        for value in vars(thing).values():
            yield from contents(value)
    else:
        yield thing
