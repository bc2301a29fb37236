"""Answers queries: each on its own merits, all of them with one pass through the arrays.

What needs memory only is answered at once, on the event loop; what needs a
replay of old matches goes to a thread.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from features.batch import Array
from features.frame import FeatureFrame
from features.matches import MatchTable
from features.registry import NEVER_MISSING, REGISTRY
from features.transform import MatchFeatures
from models.markets import read_markets
from runners.errors import FeatureMissing, ModelUnavailable, PredictionFailure
from runners.forecasts import Computed, forecasts
from runners.loading import LoadedModel
from runners.queries import Forecast, PredictionQuery
from runners.questions import Question, make_out
from runners.shelf import Shelf
from runners.timeline import Timeline
from runners.world import World

log = logging.getLogger("football.predictor")

Answer = Forecast | PredictionFailure

_NEEDED: Final = tuple(feature.name for feature in REGISTRY if feature.missing == NEVER_MISSING)


class Predictor:
    """Answer from the served models and the latest world."""

    def __init__(self, shelf: Shelf, world: Callable[[], World | None]) -> None:
        self._shelf, self._world = shelf, world
        self.last_prediction_at: dt.datetime | None = None

    async def predict(self, queries: Sequence[PredictionQuery]) -> list[Answer]:
        """Answer queries in order; a query that fails yields its failure and harms no other."""
        made_out = self._make_out(queries)
        if all(question.is_at_hand for question in made_out if isinstance(question, Question)):
            return self._answer(made_out)
        return await asyncio.to_thread(self._answer, made_out)

    def predict_now(self, queries: Sequence[PredictionQuery]) -> list[Answer]:
        """Answer queries in order, in this thread."""
        return self._answer(self._make_out(queries))

    def _make_out(self, queries: Sequence[PredictionQuery]) -> list[Question | PredictionFailure]:
        world = self._world()
        if world is None:
            waiting = ModelUnavailable("The matches are not read yet. Ask again in a moment.")
            return [waiting for _ in queries]
        now = dt.datetime.now(dt.UTC)
        return [self._one(query, world, now) for query in queries]

    def _one(self, query: PredictionQuery, world: World, now: dt.datetime) -> Question | PredictionFailure:
        try:
            return make_out(query, self._shelf, world, now)
        except PredictionFailure as failure:
            return failure
        except Exception:
            log.exception("a query could not be made out")
            return PredictionFailure("The query could not be made out.")

    def _answer(self, made_out: Sequence[Question | PredictionFailure]) -> list[Answer]:
        answers: dict[int, Answer] = {}
        batches: dict[str, list[int]] = defaultdict(list)
        for place, question in enumerate(made_out):
            if isinstance(question, Question):
                batches[question.model.tag].append(place)
            else:
                answers[place] = question
        for places in batches.values():
            batch = [question for place in places if isinstance(question := made_out[place], Question)]
            answers |= zip(places, answer_batch(batch), strict=True)
        if batches:
            self.last_prediction_at = dt.datetime.now(dt.UTC)
        return [answers[place] for place in range(len(made_out))]


def answer_batch(questions: Sequence[Question]) -> list[Answer]:
    """Answer questions of one model in order; when they fail together, each is tried alone."""
    try:
        return _together(questions)
    except Exception as error:
        if len(questions) > 1:
            log.warning("a batch failed; its items are tried alone", extra={"items": len(questions)})
            return [answer for question in questions for answer in answer_batch([question])]
        if isinstance(error, PredictionFailure):
            return [error]
        log.exception("a forecast failed", extra={"match_id": questions[0].match.match_id})
        return [PredictionFailure("The forecast could not be computed.")]


def _together(questions: Sequence[Question]) -> list[Answer]:
    model = questions[0].model
    names = tuple(model.features.names)
    values, versions, newest = _describe(questions, len(names))
    frame = FeatureFrame(names, values)
    for place, question in enumerate(questions):
        frame.replace(place, {n: v for n, v in question.query.overrides.items() if n in names})
    _check_complete(frame)
    answers: list[Answer] = [*forecasts(questions, _compute(questions, model, frame, versions, newest))]
    if len(answers) != len(questions):
        raise RuntimeError(f"{len(answers)} forecasts for {len(questions)} questions")
    return answers


def _compute(
    questions: Sequence[Question],
    model: LoadedModel,
    frame: FeatureFrame,
    versions: Sequence[str],
    newest: Sequence[int | None],
) -> Computed:
    proba, grid = model.model.forecast(frame)
    if proba.shape != (len(questions), 3) or not np.isfinite(proba).all():
        raise RuntimeError(f"model {model.tag} gave no {len(questions)} rows of three probabilities")
    used = frame.select(model.model.names)
    explain = any(question.query.explain for question in questions)
    return Computed(
        names=used.names,
        values=used.values,
        proba=proba,
        markets=read_markets(grid),
        contributions=model.model.contributions(frame) if explain else None,
        versions=versions,
        newest=newest,
    )


def _describe(questions: Sequence[Question], width: int) -> tuple[Array, list[str], list[int | None]]:
    """Return features, digests and newest kick-offs; questions that share a state are described together."""
    values = np.empty((len(questions), width))
    versions, newest = [""] * len(questions), [None] * len(questions)  # type: list[str], list[int | None]
    shared: dict[tuple[int, int], tuple[Timeline, MatchFeatures, list[int]]] = {}
    for place, question in enumerate(questions):
        if question.row is not None:
            kept = question.timeline.described(question.row)
            values[place], versions[place], newest[place] = kept.values, kept.version, kept.newest
            continue
        state = question.timeline.state_before(question.day)
        shared.setdefault((id(question.timeline), id(state)), (question.timeline, state, []))[2].append(place)
    for timeline, state, places in shared.values():
        values[places] = state.transform(_table([questions[place] for place in places])).values
        for place in places:
            versions[place], newest[place] = state.digest, timeline.newest_kickoff(state)
    return values, versions, newest


def _table(questions: Sequence[Question]) -> MatchTable:
    fixtures = [question.fixture for question in questions]
    return MatchTable.from_columns(
        match_id=[fixture.match_id for fixture in fixtures],
        competition=[fixture.competition for fixture in fixtures],
        season=[fixture.season for fixture in fixtures],
        kickoff=[fixture.kickoff or 0 for fixture in fixtures],
        home=[fixture.home for fixture in fixtures],
        away=[fixture.away for fixture in fixtures],
        neutral=[fixture.is_neutral_venue for fixture in fixtures],
        odds_home=[fixture.decimal_odds[0] for fixture in fixtures],
        odds_draw=[fixture.decimal_odds[1] for fixture in fixtures],
        odds_away=[fixture.decimal_odds[2] for fixture in fixtures],
    )


def _check_complete(frame: FeatureFrame) -> None:
    """Refuse values that the registry says are never missing; one such row fails its batch, and then itself."""
    columns = [place for place, name in enumerate(frame.names) if name in _NEEDED]
    missing = np.isnan(frame.values[:, columns]).any(axis=0)
    if missing.any():
        name = frame.names[columns[int(missing.argmax())]]
        raise FeatureMissing(
            f"Feature {name!r} cannot be computed for this match. Send a value for it in features.",
            path=f"$.features.{name}",
            details={"feature": name},
        )
