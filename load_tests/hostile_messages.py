"""Messages that no client would send: HTTP requests, broken in ways that are drawn, and always the same for a seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

_JSON = b"application/json"
_NAMES = (
    b"host",
    b"content-length",
    b"transfer-encoding",
    b"connection",
    b"expect",
    b"upgrade",
    b"content-type",
    b"x-request-id",
)
_VALUES = (
    b"", b"0", b"-1", b"+5", b"5,5", b"0x10", b"99999999999999999999", b"chunked", b"gzip, chunked", b"100-continue", b"websocket",
    b"close", b"keep-alive", b"\xff\xfe", b"a\x00b", "\u202ereversed".encode(), b"x" * 9_000, b"text/plain",
    b"multipart/form-data; boundary=" + b"b" * 300, b"application/vnd.bentoml+pickle", b"application/json; charset=utf-16",
)  # fmt: skip
_METHODS = (
    b"GET",
    b"POST",
    b"PUT",
    b"DELETE",
    b"TRACE",
    b"CONNECT",
    b"OPTIONS",
    b"HEAD",
    b"get",
    b"P\x00ST",
    b"M" * 9_000,
    b"",
)
_PATHS = (
    b"/../../etc/passwd", b"/%2e%2e%2f%2e%2e%2fetc/passwd", b"//", b"/..;/metrics", b"/v1/predictions/../../metrics", b"*",
    b"http://elsewhere/v1/fixtures", b"/%00", b"/v1/matches/" + b"9" * 8_000, "/v1/teams/\u6d66\u548c".encode(), b"/\r\nX: y", b"",
    b"/metrics", b"/docs.json", b"/schema.json", b"/v1/predictions/football:latest/x", b"/v1/fixtures?limit=" + b"9" * 400,
)  # fmt: skip


class Messages:
    """Draw messages.

    Args:
        paths: Of requests that are answered well.
        bodies: That go with them, in turn.
        seed: The same seed draws the same messages.
    """

    def __init__(self, paths: list[bytes], bodies: list[bytes], seed: int) -> None:
        self._draw = random.Random(seed)
        self._paths, self._bodies = paths, bodies
        self._breaks: list[Callable[[bytes], bytes]] = [
            self._flipped, self._cut, self._doubled, self._filled, self._lengthened, self._headed, self._chunked, self._ended,
        ]  # fmt: skip

    def __iter__(self) -> Iterator[list[bytes]]:
        """Yield messages without end, each as the pieces in which it is sent."""
        while True:
            message = b"".join(self._one() for _ in range(self._draw.choice((1, 1, 1, 1, 2, 5))))
            for _ in range(self._draw.choice((0, 1, 1, 2, 4))):
                message = self._draw.choice(self._breaks)(message)
            yield self._pieces(message)

    def _one(self) -> bytes:
        """Return a request that is well or has one strange part."""
        draw = self._draw
        path, body = draw.choice(self._paths), draw.choice(self._bodies)
        method = b"POST"
        if draw.random() < 0.2:
            method = draw.choice(_METHODS)
        if draw.random() < 0.2:
            path = draw.choice(_PATHS)
        lines = [b"%b %b HTTP/1.%b" % (method, path, draw.choice((b"1", b"1", b"1", b"0", b"9")))]
        lines += [b"host: x", b"content-type: " + _JSON, b"content-length: %d" % len(body)]
        return b"\r\n".join(lines) + b"\r\n\r\n" + body

    def _pieces(self, message: bytes) -> list[bytes]:
        draw = self._draw
        if draw.random() < 0.7 or len(message) < 2:
            return [message]
        cuts = sorted({draw.randrange(1, len(message)) for _ in range(draw.choice((1, 1, 3, 8)))})
        return [message[start:end] for start, end in zip([0, *cuts], [*cuts, len(message)], strict=True)]

    def _flipped(self, message: bytes) -> bytes:
        changed = bytearray(message)
        for _ in range(self._draw.choice((1, 1, 2, 8))):
            if changed:
                changed[self._draw.randrange(len(changed))] = self._draw.randrange(256)
        return bytes(changed)

    def _cut(self, message: bytes) -> bytes:
        start = self._draw.randrange(len(message) + 1)
        return message[:start] + message[start + self._draw.choice((1, 2, 10, 10_000)) :]

    def _doubled(self, message: bytes) -> bytes:
        start = self._draw.randrange(len(message) + 1)
        part = message[start : start + self._draw.choice((1, 4, 40))]
        return message[:start] + part * self._draw.choice((2, 3, 200)) + message[start:]

    def _filled(self, message: bytes) -> bytes:
        start = self._draw.randrange(len(message) + 1)
        return message[:start] + self._draw.randbytes(self._draw.choice((1, 3, 100, 2_000))) + message[start:]

    def _lengthened(self, message: bytes) -> bytes:
        return message.replace(
            b"content-length: ",
            self._draw.choice((b"content-length: 9", b"content-length: -", b"content-length:\t")),
            1,
        )

    def _headed(self, message: bytes) -> bytes:
        header = b"%b: %b\r\n" % (self._draw.choice(_NAMES), self._draw.choice(_VALUES))
        return message.replace(b"host: x\r\n", header + b"host: x\r\n", 1)

    def _chunked(self, message: bytes) -> bytes:
        head, _, body = message.partition(b"\r\n\r\n")
        size = self._draw.choice((b"%x" % len(body), b"ffffffffffffffffff", b"-1", b"0", b"zz", b"5;x=" + b"y" * 5_000))
        head = head.replace(b"content-length: ", self._draw.choice((b"x-length: ", b"content-length: ")), 1)
        return head + b"\r\ntransfer-encoding: chunked\r\n\r\n" + size + b"\r\n" + body + b"\r\n0\r\n\r\n"

    def _ended(self, message: bytes) -> bytes:
        return message.replace(
            b"\r\n", self._draw.choice((b"\n", b"\r", b"\r\n\r\n", b"\n\r")), self._draw.choice((1, 3, -1))
        )
