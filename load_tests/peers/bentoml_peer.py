"""Idiomatic BentoML: an API service that asks a batchable runner service by ``bentoml.depends``, all on defaults."""

from __future__ import annotations

import os

import bentoml
import numpy as np
import xgboost
from pydantic import BaseModel


class Question(BaseModel):
    """One match."""

    features: list[float]


@bentoml.service(name="runner")
class Runner:
    """Hold the booster behind BentoML's adaptive batching."""

    def __init__(self):
        self.booster = xgboost.Booster(model_file=os.environ["PEER_BOOSTER"])
        self.booster.set_param({"nthread": 1})

    @bentoml.api(batchable=True)
    def predict(self, rows: np.ndarray) -> np.ndarray:
        """Score rows."""
        return self.booster.inplace_predict(rows.astype(np.float32))


@bentoml.service(name="idiomatic")
class Idiomatic:
    """Answer over HTTP."""

    runner = bentoml.depends(Runner)

    @bentoml.api
    async def predict(self, question: Question) -> dict:
        """Score one row."""
        proba = await self.runner.to_async.predict(np.array([question.features]))
        home, draw, away = proba[0].tolist()
        return {"home_win_prob": home, "draw_prob": draw, "away_win_prob": away}
