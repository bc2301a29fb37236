"""Ways to build the API around a backend and to call it without a socket."""

from __future__ import annotations

import datetime as dt

import httpx
import msgspec

from api.application import Application
from api.settings import ApiSettings


def settings_with(**changes) -> ApiSettings:
    defaults = {
        "old_api_deprecated_at": dt.datetime(2026, 11, 1, tzinfo=dt.UTC),
        "old_api_ends_at": dt.datetime(2100, 1, 1, tzinfo=dt.UTC),
    }
    return ApiSettings(**(defaults | changes))


async def call(application: Application, method: str, raw_path: bytes, *, headers=(), chunks=(b"",), query=b""):
    """Call the application as a server would, with bytes that no client library would send. Returns what it sent."""
    waiting = [
        {"type": "http.request", "body": chunk, "more_body": index < len(chunks) - 1}
        for index, chunk in enumerate(chunks)
    ]
    sent = []

    async def receive():
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": raw_path.decode("utf-8", "replace"),
        "raw_path": raw_path,
        "query_string": query,
        "headers": list(headers),
    }
    await application(scope, receive, send)
    return Sent(sent, unread=len(waiting))


class Sent:
    """What the application sent: status, headers and body; and how many messages it left unread."""

    def __init__(self, messages: list[dict], unread: int) -> None:
        self.is_silent = not messages
        self.unread = unread
        if messages:
            self.status = messages[0]["status"]
            self.headers = {name.decode(): value.decode() for name, value in messages[0]["headers"]}
            self.body = b"".join(message.get("body", b"") for message in messages[1:])

    def json(self):
        return msgspec.json.decode(self.body)


def client_of(application: Application) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://test")
