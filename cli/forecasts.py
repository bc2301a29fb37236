"""Forecasts of saved models, made here and now, without a server."""

from __future__ import annotations

from collections.abc import Sequence

import bentoml
from bentoml.exceptions import BentoMLException

from configs.settings import Settings
from runners.errors import PredictionFailure
from runners.loading import LoadedModel
from runners.predictor import Predictor
from runners.queries import Forecast, PredictionQuery
from runners.saved import bento_store
from runners.shelf import Shelf
from runners.world import World, read_world
from store.database import open_store
from trust.guard import Guard
from trust.keyring import Keyring
from trust.policy import Policy


def forecasts_of(settings: Settings, models: Sequence[LoadedModel], query: PredictionQuery) -> list[Forecast]:
    """Ask each model the same, over one reading of the store.

    Raises:
        PredictionFailure: If one of them cannot answer.
        StoreError: If the store cannot be read.
    """
    engine = open_store(settings.database_url)
    world = read_world(engine, models)
    engine.dispose()
    if any(not world.timelines[model.tag].competitions.issuperset(world.table.competition) for model in models):
        world = world.completed()
    return [_forecast(model, world, query) for model in models]


def guard_of(settings: Settings) -> Guard:
    """Return who vouches for the models that a command loads: any signed bento of the bento store."""
    policy = Policy(Keyring(settings.keys), is_required=settings.trust.required, floor=settings.trust.floor)
    return Guard(policy, bentos=bento_store())


def full_tag(tag: str) -> str:
    """Return the full tag where one is cut short, such as ``football:latest``; one that is not there stays as it is."""
    try:
        return str(bentoml.models.get(tag).tag)
    except BentoMLException:
        return tag


def _forecast(model: LoadedModel, world: World, query: PredictionQuery) -> Forecast:
    answer = Predictor(Shelf([model], {}, [model.name]), lambda: world).predict_now([query])[0]
    if isinstance(answer, PredictionFailure):
        raise answer
    return answer
