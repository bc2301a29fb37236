"""A server that leaks on purpose: it keeps a kilobyte of every request. The soak test must find it."""

from __future__ import annotations

import os

KEPT: list[bytes] = []
LEAK_BYTES = int(os.environ.get("LEAK_BYTES", "1024"))
ANSWER = b'{"home_win_prob":0.5,"draw_prob":0.25,"away_win_prob":0.25}'


async def app(scope, receive, send):
    """Answer one request and keep a part of it for ever."""
    if scope["type"] != "http":
        return
    await receive()
    if LEAK_BYTES:
        KEPT.append(os.urandom(LEAK_BYTES))
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(ANSWER)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": ANSWER})
