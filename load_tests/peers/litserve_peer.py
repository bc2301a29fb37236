"""LitServe: one inference worker behind its API server, with or without its batching."""

from __future__ import annotations

import os
import sys

import litserve
import numpy as np
import xgboost


class Football(litserve.LitAPI):
    """Score one row, or the rows that LitServe has gathered."""

    def setup(self, device):  # noqa: ARG002 - the base class fixes the signature
        """Load the booster."""
        self.booster = xgboost.Booster(model_file=os.environ["PEER_BOOSTER"])
        self.booster.set_param({"nthread": 1})

    def decode_request(self, request):
        """Return the features."""
        return request["features"]

    def predict(self, x):
        """Return one list of probabilities, or one a row."""
        rows = np.atleast_2d(np.array(x, dtype=np.float32))
        proba = self.booster.inplace_predict(rows).tolist()
        return proba if isinstance(x, list) and isinstance(x[0], list) else proba[0]

    def batch(self, inputs):
        """Join rows."""
        return list(inputs)

    def unbatch(self, output):
        """Part them again."""
        return output

    def encode_response(self, output):
        """Return the answer as plain data."""
        home, draw, away = output
        return {"home_win_prob": home, "draw_prob": draw, "away_win_prob": away}


if __name__ == "__main__":
    port, most_rows = int(sys.argv[1]), int(sys.argv[2])
    api = Football(max_batch_size=most_rows, batch_timeout=0.0)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=port, generate_client_file=False, log_level="warning")
