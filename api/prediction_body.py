"""The encoded answer of one prediction, without the four fields that differ each time it is sent.

This is what the cache keeps: an answer that is sent again has the same bytes
as the first, but for these fields.
"""

from __future__ import annotations

import msgspec

_BEFORE_REQUEST_ID = b'{"request_id":"'
_QUOTE = b'"'
_BEFORE_CACHED = b',"cached":'
_FLAG = {True: b"true", False: b"false"}


class PredictionBody(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Hold the parts of an encoded ``Prediction`` around request_id, predicted_at, prediction_time_ms and cached.

    Attributes:
        predicted_at: When the forecast was computed, as JSON.
        usable_until: Unix seconds; what the forecast says of its match may be untrue from then on.
    """

    after_request_id: bytes
    predicted_at: bytes
    after_predicted_at: bytes
    after_cached: bytes
    usable_until: float

    def is_sound(self) -> bool:
        """Return whether the parts make JSON: what comes from elsewhere may be anything."""
        try:
            whole = msgspec.json.decode(self.sent(b"", milliseconds=0.0, cached=True))
        except (msgspec.DecodeError, UnicodeDecodeError):
            return False
        return isinstance(whole, dict)

    def sent(self, request_id: bytes, *, milliseconds: float, cached: bool) -> bytes:
        """Return the whole answer as JSON.

        Args:
            request_id: Of characters that JSON writes as they are.
            milliseconds: That this answer took.
            cached: Whether the forecast was computed for an earlier request.
        """
        return b"".join(
            (
                _BEFORE_REQUEST_ID,
                request_id,
                _QUOTE,
                self.after_request_id,
                self.predicted_at,
                self.after_predicted_at,
                b"%.4f" % milliseconds,
                _BEFORE_CACHED,
                _FLAG[cached],
                self.after_cached,
            )
        )

    def __len__(self) -> int:
        """Return the bytes that the parts take."""
        return len(self.after_request_id) + len(self.after_predicted_at) + len(self.after_cached) + 64
