"""FastAPI + XGBoost as one would write it: pydantic in and out, the booster in process, one thread."""

from __future__ import annotations

import os

import numpy as np
import xgboost
from fastapi import FastAPI
from pydantic import BaseModel

booster = xgboost.Booster(model_file=os.environ["PEER_BOOSTER"])
booster.set_param({"nthread": 1})
app = FastAPI()


class Question(BaseModel):
    """One match."""

    features: list[float]


class Answer(BaseModel):
    """Its probabilities."""

    home_win_prob: float
    draw_prob: float
    away_win_prob: float


@app.get("/readyz")
async def readyz() -> dict[str, str]:
    """Say that it is up."""
    return {"status": "ok"}


@app.post("/predict")
async def predict(question: Question) -> Answer:
    """Score one row."""
    home, draw, away = booster.inplace_predict(np.array([question.features], dtype=np.float32))[0].tolist()
    return Answer(home_win_prob=home, draw_prob=draw, away_win_prob=away)
