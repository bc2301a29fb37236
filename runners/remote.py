"""Scoring in a service of its own: what the API's workers send it, and what it makes of that.

A batchable API of BentoML takes one array, so the first column of a row says
which model is to score it: its place among the served ones. Everything else of
a forecast, the features among it, stays with the worker that was asked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import numpy as np

from features.batch import Array
from runners.forecasts import WIDTH
from runners.runner import Runner

Send = Callable[[Array], Awaitable[Array]]


class RemoteScorer:
    """Have rows scored elsewhere.

    Args:
        send: Sends rows to the service and gives its answer.
        tags: Of the served models, in the order in which the service has them.
    """

    def __init__(self, send: Send, tags: Sequence[str]) -> None:
        self._send = send
        self._place = {tag: place for place, tag in enumerate(tags)}

    def has(self, tag: str) -> bool:
        """Return whether the service has a model; one that was loaded later it has not."""
        return tag in self._place

    async def score(self, tag: str, values: Array) -> Array:
        """Return the scores of described matches, as ``Runner.score`` gives them.

        Raises:
            RuntimeError: If the answer has another number of rows or columns.
        """
        scores = np.asarray(await self._send(np.insert(values, 0, self._place[tag], axis=1)))
        if scores.shape != (len(values), WIDTH):
            raise RuntimeError(f"{len(values)} rows were sent to be scored, the answer has the shape {scores.shape}")
        return scores


def score_rows(runners: Sequence[Runner], rows: Array) -> Array:
    """Score rows of several models, in order; the first column says which model.

    Args:
        runners: One for each served model.
        rows: Shape (n, 1 + f).

    Returns:
        Shape (n, WIDTH).
    """
    scores = np.empty((len(rows), WIDTH))
    places = rows[:, 0].astype(np.intp)
    for place in np.unique(places):
        mine = places == place
        scores[mine] = runners[place].score(rows[mine, 1:])
    return scores
