"""Paths to handlers, by looking up one segment after the other.

A fixed segment wins over a parameter, without turning back. A path with a
trailing slash is another path. Segments are percent-decoded after the split,
so an encoded slash belongs to its segment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote_to_bytes

from api.errors import Code, Refusal
from api.exchange import Handler, Header
from api.operations import Operation
from api.violations import shortened

RESERVED_MODEL_NAMES: Final = frozenset({"predict", "batch", "models", "cache", "hot-reload", "health", "stats"})


@dataclass(frozen=True, slots=True)
class Route:
    """Join a method and a path template to its handler and its documentation.

    Attributes:
        headers: Sent with every answer of the route, errors included.
    """

    method: str
    template: str
    handle: Handler
    operation: Operation
    headers: tuple[Header, ...] = ()


@dataclass(slots=True)
class Endpoint:
    """Hold the routes of one path template by method."""

    template: str
    headers: tuple[Header, ...]
    routes: dict[str, Route] = field(default_factory=dict)

    def route(self, method: str) -> Route:
        """Return the route of a method; HEAD is answered as GET. Raises Refusal (405) with an Allow header."""
        route = self.routes.get("GET" if method == "HEAD" else method)
        if route is None:
            allowed = allowed_methods(self.routes)
            refusal = Refusal(
                Code.METHOD_NOT_ALLOWED,
                f"{shortened(method)} is not answered here, expected {allowed}.",
                details={"allowed": allowed.split(", ")},
            )
            refusal.headers.append((b"allow", allowed.encode()))
            raise refusal
        return route


@dataclass(slots=True)
class _Node:
    children: dict[str, _Node] = field(default_factory=dict)
    parameter: tuple[str, _Node] | None = None
    endpoint: Endpoint | None = None

    def step(self, segment: str, parameters: dict[str, str]) -> _Node | None:
        if (child := self.children.get(segment)) is not None:
            return child
        if self.parameter is None or not segment:
            return None
        name, node = self.parameter
        if name == "model_name" and segment in RESERVED_MODEL_NAMES:
            return None
        parameters[name] = segment
        return node


class Router:
    """Find the routes of a path."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for route in routes:
            node = self._root
            for segment in route.template.split("/")[1:]:
                node = _grown(node, segment)
            if node.endpoint is None:
                node.endpoint = Endpoint(route.template, route.headers)
            node.endpoint.routes[route.method] = route

    def find(self, raw_path: bytes) -> tuple[Endpoint, Mapping[str, str]]:
        """Return the endpoint of a path, and the values of its parameters.

        Raises:
            Refusal: 404 NOT_FOUND if there is none, or the path is not UTF-8.
        """
        parameters: dict[str, str] = {}
        node: _Node | None = self._root
        try:
            for segment in raw_path.split(b"/")[1:]:
                decoded = unquote_to_bytes(segment) if b"%" in segment else segment
                node = node and node.step(decoded.decode(), parameters)
        except UnicodeDecodeError:
            node = None
        if node is None or node.endpoint is None:
            raise Refusal(
                Code.NOT_FOUND, "No such path. GET /openapi.json lists those that exist, /docs explains them."
            )
        return node.endpoint, parameters


def allowed_methods(routes: Iterable[str]) -> str:
    """Return the value of an Allow header; HEAD comes with GET.

    >>> allowed_methods(["GET"])
    'GET, HEAD'
    """
    methods = set(routes)
    return ", ".join(sorted(methods | {"HEAD"} if "GET" in methods else methods))


def _grown(node: _Node, segment: str) -> _Node:
    if not segment.startswith("{"):
        return node.children.setdefault(segment, _Node())
    if node.parameter is None:
        node.parameter = (segment.strip("{}"), _Node())
    name, child = node.parameter
    if name != segment.strip("{}"):
        raise ValueError(f"the parameter {segment} stands where {{{name}}} already does; give both one name")
    return child
