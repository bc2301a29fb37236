"""The echo limit: a bare ASGI application that does nothing.

Answers with the body it was sent, or, with ``ECHO_BYTES`` in the environment,
with a constant body of that many bytes.
"""

from __future__ import annotations

import os

CONSTANT = b"x" * int(os.environ.get("ECHO_BYTES", "0"))


async def app(scope, receive, send):
    """Echo one request."""
    if scope["type"] != "http":
        return
    body = b""
    is_more = True
    while is_more:
        message = await receive()
        body += message.get("body", b"")
        is_more = message.get("more_body", False)
    body = CONSTANT or body
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
