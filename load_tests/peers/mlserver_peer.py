"""MLServer with a runtime of one's own, as its documentation shows: numpy in and out, one booster.

Its stock XGBoost runtime takes our booster for a regressor and goes through
scikit-learn's checks; this one spares it both.
"""

from __future__ import annotations

import os

import xgboost
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse


class Football(MLModel):
    """Score rows."""

    async def load(self) -> bool:
        """Load the booster."""
        self.booster = xgboost.Booster(model_file=os.environ["PEER_BOOSTER"])
        self.booster.set_param({"nthread": 1})
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Return probabilities, shape (n, 3)."""
        rows = self.decode(payload.inputs[0], default_codec=NumpyCodec)
        proba = NumpyCodec.encode_output("proba", self.booster.inplace_predict(rows))
        return InferenceResponse(model_name=self.name, outputs=[proba])
