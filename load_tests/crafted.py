"""Requests that are each wrong in one known way, and what may be answered to them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import quote

_PATH = "/v1/predictions/predict"
_JSON = "application/json"
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Crafted:
    """Hold one request, and the statuses that are right; 0 stands for a connection that is closed without an answer."""

    name: str
    request: bytes
    right: frozenset[int]


def crafted(match_id: str) -> list[Crafted]:
    """Return all of them."""
    return [*_lengths(), *_bodies(match_id), *_types(match_id), *_paths(match_id), *_heads(match_id)]


def request_of(
    body: bytes, *, path: str = _PATH, media_type: bytes | None = _JSON.encode(), method: str = "POST"
) -> bytes:
    """Return a request with a body of the length that it says."""
    lines = [f"{method} {path} HTTP/1.1".encode(), b"host: x", b"content-length: %d" % len(body)]
    if media_type is not None:
        lines.append(b"content-type: " + media_type)
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def _lengths() -> list[Crafted]:
    head = f"POST {_PATH} HTTP/1.1\r\nhost: x\r\ncontent-type: {_JSON}\r\n".encode()
    refused = frozenset({400, 411, 413, 0})
    chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    return [
        Crafted("content-length of 10 GB", head + b"content-length: 10000000000\r\n\r\n{", frozenset({413})),
        Crafted("chunks without an end", head + b"transfer-encoding: chunked\r\n\r\n" + chunk * 3, frozenset({413})),
        Crafted(
            "length and chunks", head + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", refused
        ),
        Crafted("two lengths", head + b"content-length: 5\r\ncontent-length: 6\r\n\r\n{}", refused),
        Crafted("length below zero", head + b"content-length: -1\r\n\r\n", refused),
        Crafted("length that is no number", head + b"content-length: five\r\n\r\n", refused),
        Crafted("head of a megabyte", head + b"x-a: " + b"y" * MEGABYTE + b"\r\n\r\n", frozenset({400, 431, 0})),
        Crafted("ten thousand headers", head + b"x-a: y\r\n" * 10_000 + b"\r\n", frozenset({400, 431, 0})),
    ]


def _bodies(match_id: str) -> list[Crafted]:
    whole = json.dumps({"match_id": match_id}).encode()
    wrong = frozenset({400, 413, 422})
    texts = {
        "depth 150,000": b"[" * 150_000,
        "depth 150,000, in a field": b'{"features":' + b'{"a":' * 150_000 + b"1" + b"}" * 150_001,
        "100,000 fields": b"{" + b",".join(b'"k%d":1' % number for number in range(100_000)) + b"}",
        "a string of a megabyte": b'{"match_id":"' + b"x" * MEGABYTE + b'"}',
        "10,000 digits": b'{"match_id":' + b"9" * 10_000 + b"}",
        "10,000 digits for a feature": b'{"match_id":"%b","features":{"elo_difference":%b}}'
        % (match_id.encode(), b"9" * 10_000),
        "a field named twice": b'{"match_id":"a","match_id":"b"}',
        "NaN": b'{"match_id":"a","features":{"elo_difference":NaN}}',
        "Infinity": b'{"match_id":"a","features":{"elo_difference":Infinity}}',
        "1e400": b'{"match_id":"a","features":{"elo_difference":1e400}}',
        "half a surrogate": b'{"match_id":"\\ud800"}',
        "a byte order mark": b"\xef\xbb\xbf" + whole,
        "UTF-16": whole.decode().encode("utf-16"),
        "text behind it": whole + b"{}",
        "nothing": b"",
        "null": b"null",
        "a list": b"[]",
        "not UTF-8": b'{"match_id":"\xff\xfe"}',
        "a batch of a million": b'{"requests":[' + b"{}," * 300_000 + b"{}]}",
    }
    found = [Crafted(f"body: {name}", request_of(text), wrong) for name, text in texts.items()]
    found[-1] = Crafted(found[-1].name, request_of(texts["a batch of a million"], path=f"{_PATH}/batch"), wrong)
    unknown = frozenset({404, 422})
    names = {
        "Chinese": "\u6d66\u548c", "right to left": "\u202egnirts", "joined emoji": "\U0001f468\u200d\U0001f469\u200d\U0001f467",
        "no width": "a\u200bb", "nul": "a\x00b", "10 kB": "x" * 10_000, "decomposed": "Ko\u0308ln", "a line of a log": 'x\r\n{"a":1}',
    }  # fmt: skip
    return found + [
        Crafted(f"name: {name}", request_of(json.dumps({"match_id": text}).encode()), unknown)
        for name, text in names.items()
    ]


def _types(match_id: str) -> list[Crafted]:
    body = json.dumps({"match_id": match_id}).encode()
    types = {
        "none": None, "plain text": b"text/plain", "multipart": b"multipart/form-data", "form": b"application/x-www-form-urlencoded",
        "multipart, huge boundary": b"multipart/form-data; boundary=" + b"b" * 60_000, "pickle": b"application/vnd.bentoml+pickle",
        "pickle in capitals": b"Application/VND.BENTOML+PICKLE", "another charset": b"application/json; charset=utf-16",
        "not ASCII": b"application/json\xff", "only 0xFF": b"\xff",
    }  # fmt: skip
    found = [
        Crafted(f"type: {name}", request_of(body, media_type=given), frozenset({415, 400}))
        for name, given in types.items()
    ]
    for coding in (b"gzip", b"br", b"zstd", b"deflate"):
        coded = request_of(body).replace(b"host: x", b"host: x\r\ncontent-encoding: " + coding)
        found.append(Crafted(f"coding: {coding.decode()}", coded, frozenset({415})))
    return found


def _paths(match_id: str) -> list[Crafted]:
    names = (
        "../../etc/passwd",
        "%2e%2e%2fetc",
        "..;",
        "football:latest",
        "x" * 300,
        "a%00b",
        "%ff",
        "%0d%0aX:y",
        "~root",
        "C:%5c",
    )
    found = [
        Crafted(
            f"model: {name[:24]}",
            request_of(b"{}", path=f"/v1/predictions/{name}/{match_id}"),
            frozenset({404, 422, 405}),
        )
        for name in names
    ]
    missing = (
        "/",
        "/docs.json",
        "/schema.json",
        "/assets/x",
        "/v1",
        "/v1/../metrics",
        "/.env",
        "/" + quote("\u6d66"),
        "/x" * 3_000,
    )
    found += [
        Crafted(
            f"path: {path[:24]}", request_of(b"", path=path, media_type=None, method="GET"), frozenset({404, 414, 400})
        )
        for path in missing
    ]
    return found


def _heads(match_id: str) -> list[Crafted]:
    body = json.dumps({"match_id": match_id}).encode()
    whole = request_of(body)
    bad = frozenset({400, 0})
    found = [
        Crafted(
            f"method: {method[:12]}", request_of(b"", method=method, media_type=None), frozenset({405, 400, 404, 0})
        )
        for method in ("TRACE", "PUT", "DELETE", "PATCH", "post", "X" * 8_000)
    ]
    return [
        *found,
        Crafted("CONNECT", b"CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n", frozenset({400, 404, 405, 0})),
        Crafted("line feeds alone", whole.replace(b"\r\n", b"\n"), bad | {200}),
        Crafted("a header without a name", whole.replace(b"host: x", b"host: x\r\n: y"), bad),
        Crafted("a folded header", whole.replace(b"host: x", b"host: x\r\n  y"), bad | {200}),
        Crafted("a nul in a header", whole.replace(b"host: x", b"host: x\r\nx-a: a\x00b"), bad),
        Crafted(
            "to websocket",
            whole.replace(b"host: x", b"host: x\r\nconnection: upgrade\r\nupgrade: websocket"),
            bad | {200, 426},
        ),
        Crafted(
            "to h2c",
            whole.replace(b"host: x", b"host: x\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c"),
            bad | {200},
        ),
        Crafted(
            "a request id of its own",
            whole.replace(b"host: x", b"host: x\r\nx-request-id: " + b"\xff" * 300),
            frozenset({200, 400}),
        ),
        Crafted("another host", whole.replace(b"host: x", b"host: a/b?c#d"), frozenset({200, 400})),
        Crafted("HTTP/2's preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", bad | {404, 405}),
        Crafted("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 500, bad),
    ]
