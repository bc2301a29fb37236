"""A small football world for the tests that serve: made-up clubs whose goals are drawn, a store of them, a model of them."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from bentoml._internal.bento import BentoStore
from bentoml._internal.configuration.containers import BentoMLContainer
from bentoml._internal.models import ModelStore

from features.matches import MatchTable
from models.boosted import BoostedOutcome, default_parameters
from models.ensemble import Ensemble
from runners.artifact import Artifact
from store.database import open_store
from store.reads import data_digest
from store.records import MatchRecord, Status
from store.writes import save as save_records
from training.history import walk
from training.saving import make_golden, save

CLUBS = {
    "qa.1": ("Arvenholt", "Brixmoor", "Caldwyck", "Dunmere", "Elverstad", "Fjordheim", "Gossamer", "Hexley"),
    "qb.1": ("Ibenruh", "Jasperton", "Kirkvold", "Lumenau", "Mosgrund", "Nyhavenby", "Oxbridge", "Pellworm"),
    "qc.1": ("Quarry", "Rothbach", "Silberau", "Tannwald", "Umbertal", "Vossberg", "Wexcombe", "Yarrowby"),
}
SEASONS = ("2020-21", "2021-22", "2022-23", "2023-24", "2024-25")
HELD_OUT = SEASONS[-1]
CUT_OFF = dt.date(2024, 7, 1)
PROMISED = dt.datetime(2025, 8, 16, 15, tzinfo=dt.UTC)
EVENING = 18


def results(seasons: Sequence[str] = SEASONS, *, seed: int = 5) -> list[MatchRecord]:
    """Play a double round robin in each league and season, a round every 20 days; the same seed gives the same goals."""
    rng = np.random.default_rng(seed)
    strength = {club: rng.normal(0.0, 0.35) for clubs in CLUBS.values() for club in clubs}
    records = []
    for season in SEASONS:
        for competition, clubs in CLUBS.items():
            for week, pairs in enumerate(_rounds(clubs)):
                for place, (home, away) in enumerate(pairs):
                    edge = strength[home] - strength[away]
                    goals = rng.poisson(np.exp([0.35 + edge, 0.1 - edge])).tolist()
                    kickoff = _day(season, week) + dt.timedelta(days=place % 2, hours=EVENING - place)
                    records.append(record(competition, season, kickoff, home, away, goals))
    return [one for one in records if one.season in seasons]


def record(competition, season, kickoff, home, away, goals=None, **changes) -> MatchRecord:
    told = {
        "competition": competition,
        "season": season,
        "kickoff": kickoff,
        "is_date_only": False,
        "home": home,
        "away": away,
        "status": Status.SCHEDULED if goals is None else Status.PLAYED,
        "home_goals": None if goals is None else goals[0],
        "away_goals": None if goals is None else goals[1],
        "source": "simulation",
    }
    return MatchRecord(**(told | changes))


def fixtures() -> list[MatchRecord]:
    """Two matches to come: one with a date, one without."""
    return [
        record("qa.1", "2025-26", PROMISED, "Arvenholt", "Brixmoor"),
        record("qb.1", "2025-26", None, "Ibenruh", "Jasperton", is_date_only=True),
    ]


def fill(url: str, records: Sequence[MatchRecord]) -> None:
    """Save records in the store at a URL; clubs are registered as they come."""
    engine = open_store(url)
    report = save_records(engine, records, may_register_teams=True)
    engine.dispose()
    assert not report.rejects, report.rejects[:3]


def train(matches: MatchTable, *, until: dt.date = CUT_OFF, name: str = "football", seed: int = 1) -> str:
    """Fit a small model on the matches before a date and save it."""
    day = (until - dt.date(1970, 1, 1)).days
    state, history = walk(matches.take(matches.day < day))
    parameters = default_parameters() | {"min_child_weight": 5.0}  # the world is small, its trees must still split
    trees = BoostedOutcome(parameters=parameters)
    model = Ensemble(seed=seed, validation_days=1, boosted=trees).fit(history.matches, history.features)
    artifact = Artifact(
        model_type=model.name,
        trained_until=dt.datetime.fromtimestamp((state.last_day + 1) * 86_400, tz=dt.UTC),
        data_digest=data_digest(history.matches),
        data_matches=len(history),
        competitions=sorted(set(history.matches.competition)),
        feature_names=list(model.names),
        card={"model_type": model.name, "evaluation": {"scores": {model.name: {"rps": 0.2, "accuracy": 0.5}}}},
        golden=make_golden(state, model, history.matches),
        seed=seed,
    )
    return save(name, state, model, artifact)


def save_tampered(home: Path, tag: str, family: str, constant: str) -> str:
    """Save a model again with a constant in the arithmetic of a feature family raised by a tenth; return its tag.

    In a process of its own: reading a pickle back where its classes were pickled replaces their methods.
    """
    environment = os.environ | {"BENTOML_HOME": str(home), "BENTOML_DO_NOT_TRACK": "True"}
    command = [sys.executable, "-c", _TAMPER, tag, family, constant]
    told = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return told.stdout.split()[-1]


_TAMPER = """
import sys, bentoml, bentoml.xgboost
from training.saving import put_in_store
_, tag, family, constant = sys.argv
stored = bentoml.models.get(tag)
arithmetic = getattr(stored.custom_objects["features"], family).learn.__globals__
arithmetic[constant] *= 1.1
trees = bentoml.xgboost.load_model(stored)
print(put_in_store("tampered", trees, metadata=dict(stored.info.metadata), objects=dict(stored.custom_objects)))
"""


_homes: list[dict] = []


@contextmanager
def bentoml_home(home: Path) -> Iterator[Path]:
    """Have BentoML keep its models and bentos in a folder of the test, in this process."""
    for name in ("models", "bentos", "tmp", "envs"):
        (home / name).mkdir(parents=True, exist_ok=True)
    chosen = {
        BentoMLContainer.model_store: ModelStore(home / "models"),
        BentoMLContainer.bento_store: BentoStore(home / "bentos"),
        BentoMLContainer.tmp_bento_store_dir: str(home / "tmp"),
        BentoMLContainer.bentoml_home: str(home),
    }
    _homes.append(chosen)
    for provider, value in chosen.items():
        provider.set(value)
    yield home
    _homes.pop()
    for provider in chosen:
        if _homes:  # within another one, such as that of the session
            provider.set(_homes[-1][provider])
        else:
            provider.reset()


def _rounds(clubs: Sequence[str]) -> list[list[tuple[str, str]]]:
    """Return a double round robin by the circle method."""
    first, *rest = clubs
    half = []
    for turn in range(len(rest)):
        circle = [first, *rest[turn:], *rest[:turn]]
        pairs = [(circle[i], circle[-1 - i]) for i in range(len(circle) // 2)]
        half.append([pair if turn % 2 else pair[::-1] for pair in pairs])
    return half + [[pair[::-1] for pair in pairs] for pairs in half]


def _day(season: str, week: int) -> dt.datetime:
    return dt.datetime(int(season[:4]), 8, 14, tzinfo=dt.UTC) + dt.timedelta(days=20 * week)
