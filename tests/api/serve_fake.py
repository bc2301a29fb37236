"""Serve the API around the fake backend on a free port, for tools that speak HTTP. Prints the port."""

from __future__ import annotations

import asyncio
import socket

import uvicorn
from api_harness import settings_with
from fake_backend import FakeBackend

from api.application import create_application


async def serve() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    # asyncio does this only for sockets that it made itself; without it every answer waits 40 ms for an acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    application = create_application(FakeBackend(), settings=settings_with())
    print(listener.getsockname()[1], flush=True)
    await uvicorn.Server(uvicorn.Config(application, log_level="warning")).serve(sockets=[listener])


if __name__ == "__main__":
    asyncio.run(serve())
