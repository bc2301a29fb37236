"""A service of two matches that answers as it is told, to drive against."""

from __future__ import annotations

import asyncio
import json

from proof.driver import Orders
from proof.questions import Mix, Question

PROBA = (0.4567, 0.25, 0.2933)
ORACLE = {"one": {f"m{i}": PROBA for i in range(100)}}


def answer(match_id="m0", version="one", proba=PROBA) -> dict:
    names = ("home_win_prob", "draw_prob", "away_win_prob")
    return {"match_id": match_id, **dict(zip(names, proba, strict=True)), "model_version": version}


def over_http(body: bytes, status: int = 200) -> bytes:
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


def good(match_id: str) -> bytes:
    return over_http(json.dumps(answer(match_id)).encode())


class TinyService:
    """Answer requests on 127.0.0.1; ``reply`` says what is sent for the n-th one, None ends its connection."""

    def __init__(self, reply=lambda _number, match_id: good(match_id), *, closes=False) -> None:
        self.requests = 0
        self.open: list[asyncio.Transport] = []
        self.reply, self.closes = reply, closes

    async def __aenter__(self):
        self._server = await asyncio.get_running_loop().create_server(lambda: _Served(self), "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for transport in self.open:
            transport.abort()
        await asyncio.sleep(0)

    @property
    def connections(self) -> int:
        return len(self.open)


class _Served(asyncio.Protocol):
    def __init__(self, service) -> None:
        self._service = service

    def connection_made(self, transport):
        self._transport = transport
        self._service.open.append(transport)

    def data_received(self, data):
        self._service.requests += 1
        sent = self._service.reply(self._service.requests, data.split(b" ", 2)[1].rsplit(b"/", 1)[1].decode())
        if sent is not None:
            self._transport.write(sent)
        if sent is None or self._service.closes:
            self._transport.close()


def orders(port: int, **changes) -> Orders:
    asked = [
        Question(f"POST /x/m{i} HTTP/1.1\r\nContent-Length: 0\r\n\r\n".encode(), (f"m{i}",), is_batch=False)
        for i in range(100)
    ]
    told = {"rate": 400.0, "seconds": 0.5, "seed": 3, "fresh_share": 0.0, "patience_s": 0.3}
    return Orders("127.0.0.1", port, Mix({"single": asked}, {"single": 1.0}), ORACLE, **(told | changes))
