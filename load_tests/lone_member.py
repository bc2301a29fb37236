"""Save, beside the newest model, what would be served of it without its pool: one member alone, with the same markets.

    python load_tests/lone_member.py

Prints the tag. Runs in the project's environment. The benchmark asks both the same questions, and so shows what an
answer costs more for being made of three members, calibrated, and with intervals.
"""

from __future__ import annotations

from dataclasses import fields, replace

import bentoml
import numpy as np

from configs.settings import load_settings
from features.frame import FeatureFrame
from models.conditional_logit import log_softmax, softmax
from models.ensemble import Answers, Ensemble
from models.estimator import strictly_positive
from models.score_grid import outcome_proba, reconcile
from runners.loading import load
from store.database import open_store
from store.reads import read_matches
from training.saving import make_golden, save

NAME = "lone-member"


class LoneMember(Ensemble):
    """Answer with the trees, and with the goal model's grid for the markets."""

    def forecast(self, features: FeatureFrame) -> Answers:
        """Return the trees' probabilities and grids that agree with them; they are as sure as can be."""
        grid = self.goal_model.grid(features)
        log_odds = self.boosted.log_odds(features, log_softmax(self.logit.log_odds(features)))
        proba = strictly_positive(softmax(log_odds))
        return Answers(proba, reconcile(grid, proba, outcome_proba(grid)), np.zeros_like(proba), log_odds)


def main() -> None:
    """Save it and print its tag."""
    settings = load_settings()
    whole = load(str(bentoml.models.get(settings.service.models[0]).tag))
    lone = LoneMember(**{field.name: getattr(whole.model, field.name) for field in fields(Ensemble)})
    history = read_matches(open_store(settings.database_url))
    golden = make_golden(whole.features, lone, history)
    print(save(NAME, whole.features, lone, replace(whole.artifact, golden=golden)))


if __name__ == "__main__":
    main()
