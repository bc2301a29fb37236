"""A football world for training: three leagues of six seasons, in a store and as histories, and a run over it.

Models are saved by the real command in processes of their own, each with a BENTOML_HOME of its own: BentoML makes up
its mind about that folder once in a process, and this one has settled on the home that all tests share.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from bentoml._internal.models import ModelStore
from click.testing import CliRunner
from priced_league import priced
from small_world import fill, record

from cli.main import main
from features.matches import MatchTable
from store.database import open_store
from store.reads import read_matches
from store.records import MatchRecord
from training.history import History, walk

SEASONS = tuple(f"{year}-{(year + 1) % 100:02d}" for year in range(2018, 2024))
LEAGUES = {code: tuple(f"{code[1].upper()}{word}" for word in
    ("rden", "ern", "ridge", "ondal", "ulmen", "ystad", "isborg", "elmo", "anvik", "oster", "ergen", "illby", "umdorf", "ykehus"))
    for code in ("xa.1", "xb.1", "xc.1")}  # fmt: skip


def played(*, seed: int = 11):
    """Each season a double round robin a league, a round a week; strengths drift from season to season."""
    rng = np.random.default_rng(seed)
    strength = {club: rng.normal(0.0, 0.35) for clubs in LEAGUES.values() for club in clubs}
    for season in SEASONS:
        strength = {club: 0.8 * value + rng.normal(0.0, 0.2) for club, value in strength.items()}
        for competition, clubs in LEAGUES.items():
            for week, pairs in enumerate(rounds(clubs)):
                for place, (home, away) in enumerate(pairs):
                    edge = strength[home] - strength[away]
                    goals = rng.poisson(np.exp([0.35 + edge, 0.05 - edge])).tolist()
                    kickoff = dt.datetime(int(season[:4]), 8, 10, 18, tzinfo=dt.UTC) + dt.timedelta(
                        weeks=week, days=place % 3
                    )
                    yield record(competition, season, kickoff, home, away, goals, is_date_only=place == 0)


def rounds(clubs):
    """A double round robin by the circle method."""
    first, *rest = clubs
    half = []
    for turn in range(len(rest)):
        circle = [first, *rest[turn:], *rest[:turn]]
        half.append([(circle[i], circle[-1 - i])[:: 1 if (i + turn) % 2 else -1] for i in range(len(circle) // 2)])
    return half + [[pair[::-1] for pair in pairs] for pairs in half]


@dataclass(frozen=True)
class Run:
    """What `football train` printed and left: its tag and card, the card's file as read, and how long it took."""

    place: Place
    tag: str
    card: dict
    card_of_file: dict
    took_s: float

    @property
    def folder(self) -> Path:
        return self.place.models.joinpath(*self.tag.split(":"))


@dataclass(frozen=True)
class Place:
    """Where a command keeps its state."""

    folder: Path
    database_url: str

    @property
    def models(self) -> Path:
        return self.folder / "bentoml" / "models"

    def environment(self, **changes: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("FOOTBALL_", "PYTHONPATH"))}
        own = {
            "BENTOML_HOME": str(self.folder / "bentoml"),
            "BENTOML_DO_NOT_TRACK": "True",
            "FOOTBALL_HOME": str(self.folder),
            "FOOTBALL_DATABASE_URL": self.database_url,
            "FOOTBALL_TRAINING__VALIDATION_DAYS": "200",
            "FOOTBALL_TRAINING__THREADS": "1",
            "OMP_WAIT_POLICY": "PASSIVE",
        }
        return kept | own | changes

    def football(self, *arguments: str, code: int = 0, **changes: str) -> subprocess.CompletedProcess:
        """Run the command line from a folder that is not the checkout."""
        return self.python("-m", "cli.main", *arguments, code=code, **changes)

    def python(self, *arguments: str, code: int = 0, **changes: str) -> subprocess.CompletedProcess:
        done = subprocess.run(
            [sys.executable, *arguments], env=self.environment(**changes), cwd=self.folder,
            capture_output=True, text=True, check=False, timeout=600,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        return done

    def start(self, *arguments: str, **changes: str) -> subprocess.Popen:
        """Start the command line and leave it to the test."""
        command = [sys.executable, "-m", "cli.main", *arguments]
        nowhere = subprocess.DEVNULL
        return subprocess.Popen(
            command, env=self.environment(**changes), cwd=self.folder, stdout=nowhere, stderr=nowhere
        )

    def train(self) -> Run:
        """Run `football train`."""
        file, started = self.folder / "card.json", time.monotonic()
        told = json.loads(self.football("train", "--json", "--card", str(file)).stdout)
        return Run(self, told["tag"], told["card"], json.loads(file.read_text()), time.monotonic() - started)

    def tags(self) -> list[str]:
        """The tags in the model store, oldest first, as BentoML lists them."""
        listed = ModelStore(self.models).list("football")
        return [str(model.tag) for model in sorted(listed, key=lambda model: model.creation_time)]

    def newest(self) -> str:
        """The tag that the name alone stands for."""
        return str(ModelStore(self.models).get("football").tag)

    def keep(self, run: Run) -> None:
        """Copy a model of another place, as the newest here."""
        shutil.copytree(run.folder, self.models.joinpath(*run.tag.split(":")))
        (self.models / "football" / "latest").write_text(run.tag.partition(":")[2])


@pytest.fixture(scope="session")
def league_store(tmp_path_factory) -> Path:
    """The file of the store. Change nothing."""
    file = tmp_path_factory.mktemp("leagues") / "matches.sqlite"
    fill(f"sqlite:///{file}", list(played()))
    return file


@pytest.fixture(scope="session")
def league(league_store) -> MatchTable:
    """All matches of the store, by kick-off."""
    engine = open_store(f"sqlite:///{league_store}")
    matches = read_matches(engine)
    engine.dispose()
    return matches


@pytest.fixture(scope="session")
def history(league) -> History:
    return walk(league)[1]


@pytest.fixture(scope="session")
def place(league_store, tmp_path_factory) -> Place:
    """A home over the shared store, in which models pile up."""
    return Place(tmp_path_factory.mktemp("place"), f"sqlite:///{league_store}")


@pytest.fixture
def own_place(league_store, tmp_path) -> Place:
    """A home of the test's own, with a copy of the store."""
    shutil.copy(league_store, tmp_path / "own.sqlite")
    return Place(tmp_path, f"sqlite:///{tmp_path}/own.sqlite")


@pytest.fixture
def small_place(tmp_path) -> Place:
    """A home of the test's own, with a store of one of the leagues."""
    url = f"sqlite:///{tmp_path}/small.sqlite"
    fill(url, [match for match in played() if match.competition == "xa.1"])
    return Place(tmp_path, url)


@pytest.fixture(scope="session")
def trained(place) -> Run:
    """One run of `football train` over the world."""
    return place.train()


@pytest.fixture(scope="session")
def trained_again(place, trained) -> Run:
    """The same run once more."""
    return place.train()


@pytest.fixture(scope="session")
def priced_records() -> list[MatchRecord]:
    """One league of which some matches have odds."""
    return list(priced(played()))


@pytest.fixture(scope="session")
def priced_place(priced_records, tmp_path_factory) -> Place:
    """A home over a store of that league. Change nothing."""
    folder = tmp_path_factory.mktemp("priced")
    fill(f"sqlite:///{folder}/matches.sqlite", priced_records)
    return Place(folder, f"sqlite:///{folder}/matches.sqlite")


@pytest.fixture
def run(league_store, tmp_path, monkeypatch):
    """Run the command line in this process over the shared store: for what ends before a model is saved."""
    monkeypatch.setenv("FOOTBALL_DATABASE_URL", f"sqlite:///{league_store}")
    monkeypatch.setenv("FOOTBALL_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments: str, code: int = 0):
        result = CliRunner().invoke(main, list(arguments))
        assert result.exit_code == code, result.output
        return result

    return invoke
