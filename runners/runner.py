"""One loaded model at work: from questions to forecasts, all of a batch with one pass through the arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from features.batch import Array
from features.frame import FeatureFrame
from features.registry import NEVER_MISSING, REGISTRY
from models.markets import read_markets
from runners.contributions import ForecastExplanation, explanations
from runners.describing import Description, describe
from runners.errors import FeatureMissing, PredictionFailure
from runners.forecasts import Computed, forecasts, packed
from runners.loading import LoadedModel
from runners.queries import Forecast
from runners.questions import Question

Answer = Forecast | PredictionFailure

_NEVER_MISSING: Final = frozenset(feature.name for feature in REGISTRY if feature.missing == NEVER_MISSING)


class Runner:
    """Answer questions to one model.

    The API's worker describes the matches; the scores of the described rows
    come from this process or from a service of their own (``score``).
    """

    def __init__(self, model: LoadedModel) -> None:
        self.model = model
        self._names = tuple(model.features.names)
        used = tuple(model.model.names)
        self._used = slice(None) if used == self._names else [self._names.index(name) for name in used]
        self._needed = [place for place, name in enumerate(self._names) if name in _NEVER_MISSING]

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        """Answer questions in order; one whose features are incomplete fails alone."""
        described = self.describe(questions)
        return self.forecasts(questions, described, self.score(described.values))

    def describe(self, questions: Sequence[Question]) -> Description:
        """Return the features of each match as the model is to see them, overrides included."""
        described = describe(questions, len(self._names))
        for place, question in enumerate(questions):
            if question.query.overrides:
                for name, value in question.query.overrides.items():
                    described.values[place, self._names.index(name)] = value
        return described

    def score(self, values: Array) -> Array:
        """Return probabilities, how sure they are, and the markets of described matches, one row each.

        Args:
            values: In the order of the features. Shape (n, f).

        Returns:
            As ``forecasts.packed`` lays them out. Shape (n, WIDTH).

        Raises:
            RuntimeError: If the model gave anything but n rows of three probabilities.
        """
        answers = self.model.model.forecast(self._frame(values))
        proba = answers.proba
        if proba.shape != (len(values), 3) or not np.isfinite(proba).all():
            raise RuntimeError(f"model {self.model.tag} gave no {len(values)} rows of three probabilities")
        return packed(answers, read_markets(answers.grid, proba=proba))

    def forecasts(self, questions: Sequence[Question], described: Description, scores: Array) -> list[Answer]:
        """Join scores to their questions. Raises RuntimeError if there is not one row of scores a question."""
        if len(scores) != len(questions):
            raise RuntimeError(f"{len(scores)} rows of scores for {len(questions)} questions")
        frame = self._frame(described.values)
        computed = Computed(
            names=frame.names,
            values=frame.values,
            scores=scores,
            explained=self._explained(questions, described.values),
            versions=described.versions,
            newest=described.newest,
        )
        answers: list[Answer] = [*forecasts(questions, computed)]
        for place in np.flatnonzero(np.isnan(described.values[:, self._needed]).any(axis=1)).tolist():
            answers[place] = self._incomplete(described.values[place])
        return answers

    def _explained(self, questions: Sequence[Question], values: Array) -> dict[int, ForecastExplanation]:
        """Return why, by place, for the questions that asked; the others do not pay for it."""
        places = [place for place, question in enumerate(questions) if question.query.explain]
        if not places:
            return {}
        asked = self._frame(values[places])
        return dict(zip(places, explanations(self.model.model.explain(asked), asked.values), strict=True))

    def _frame(self, values: Array) -> FeatureFrame:
        return FeatureFrame(self.model.model.names, values[:, self._used])

    def _incomplete(self, row: Array) -> FeatureMissing:
        name = next(self._names[place] for place in self._needed if np.isnan(row[place]))
        return FeatureMissing(
            f"Feature {name!r} cannot be computed for this match. Send a value for it in features.",
            path=f"$.features.{name}",
            details={"feature": name},
        )
