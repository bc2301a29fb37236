"""What each model version answers, computed offline: by the runners, in a process of its own, past all servers.

python -m proof.oracle < QUESTION > ANSWER
"""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from proof.errors import ProofFailed
from proof.judge import Proba
from proof.questions import LARGE_BATCH
from runners.errors import PredictionFailure
from runners.loading import LoadedModel, load
from runners.predictor import Predictor
from runners.queries import PredictionQuery
from runners.shelf import Shelf
from runners.world import World, read_world
from store.database import open_store
from store.reads import dated, read_matches

_WITHIN_S: Final = 600.0


class Asked(msgspec.Struct, frozen=True):
    """Ask for the oracle of some models.

    Attributes:
        database_url: Of the match store that the service answers from.
        tags: Full tags of saved models.
        matches, seed: How many played matches, and how they are drawn.
    """

    database_url: str
    tags: list[str]
    matches: int
    seed: int


class Told(msgspec.Struct, frozen=True):
    """Hold the matches drawn, and the probabilities by model version and match id."""

    match_ids: list[str]
    proba: dict[str, dict[str, Proba]]


def ask(asked: Asked) -> Told:
    """Have a process of its own compute an oracle. Raises ProofFailed with what it said."""
    run = subprocess.run(
        [sys.executable, "-m", "proof.oracle"],
        input=msgspec.json.encode(asked),
        capture_output=True,
        timeout=_WITHIN_S,
        check=False,
    )
    if run.returncode:
        last = run.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise ProofFailed(f"No oracle of {', '.join(asked.tags)} could be computed: {' '.join(last)}")
    return msgspec.json.decode(run.stdout, type=Told)


def told(asked: Asked) -> Told:
    """Compute an oracle here. Raises ProofFailed if the store has too few played matches, or a model cannot answer."""
    models = [load(tag) for tag in asked.tags]
    engine = open_store(asked.database_url)
    table = read_matches(engine)
    played = table.take(dated(table) & ~np.isnan(table.home_goals))
    world = read_world(engine, models)
    engine.dispose()
    if any(not world.timelines[model.tag].competitions.issuperset(world.table.competition) for model in models):
        world = world.completed()
    match_ids = _drawn(list(played.match_id), asked)
    return Told(match_ids, {model.version: _answers(model, world, match_ids) for model in models})


def _drawn(known: Sequence[str], asked: Asked) -> list[str]:
    if len(known) < LARGE_BATCH:
        raise ProofFailed(f"The store has {len(known)} played matches, expected at least {LARGE_BATCH}.")
    return random.Random(asked.seed).sample(known, min(asked.matches, len(known)))  # noqa: S311 - keeps no secret


def _answers(model: LoadedModel, world: World, match_ids: Sequence[str]) -> dict[str, Proba]:
    predictor = Predictor(Shelf([model], {}, [model.name]), lambda: world)
    answers = predictor.predict_now([PredictionQuery(match_id=match_id) for match_id in match_ids])
    predictor.close()
    proba: dict[str, Proba] = {}
    for match_id, answer in zip(match_ids, answers, strict=True):
        if isinstance(answer, PredictionFailure):
            raise ProofFailed(f"{model.tag} does not answer for {match_id}: {answer}")
        home, draw, away = answer.proba
        proba[match_id] = (float(home), float(draw), float(away))
    return proba


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(told(msgspec.json.decode(sys.stdin.buffer.read(), type=Asked))))
