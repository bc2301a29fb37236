"""Batch: a hundred matches a request, of all that are known."""

from __future__ import annotations

import json

from traffic import IDS, Visitor, draw, note

SIZE = 100
PATH = "/v1/predictions/predict/batch"


class Batch(Visitor):
    """Ask for a hundred matches at once."""

    def send(self) -> None:
        """Ask for one batch; one of four with every market block."""
        kind = "probability" if draw.random() < 0.25 else "winner"
        requests = [{"match_id": match_id, "prediction_type": kind} for match_id in draw.sample(IDS, SIZE)]
        with self.client.post(
            PATH,
            data=json.dumps({"requests": requests}),
            headers={"Content-Type": "application/json"},
            name=f"batch {kind}",
            catch_response=True,
        ) as answer:
            note(answer, lambda content: b'"successful_predictions":100' in content)
