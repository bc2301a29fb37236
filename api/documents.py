"""The routes that serve the contract itself: the OpenAPI document and the page to read."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from api import catalogue
from api.docs_page import docs_page
from api.exchange import Answer, Call
from api.openapi import openapi_document
from api.router import Route
from api.settings import ApiSettings
from features.registry import REGISTRY


class DocumentDesk:
    """Answer with documents that are written once, from all routes including its own."""

    def __init__(self, routes: Sequence[Route], settings: ApiSettings) -> None:
        self.routes = (
            *routes,
            Route("GET", "/openapi.json", self.openapi, catalogue.OPENAPI),
            Route("GET", "/docs", self.docs, catalogue.DOCS),
        )
        document = openapi_document(self.routes, settings)
        self._openapi = msgspec.json.encode(document)
        self._page = docs_page(document, REGISTRY).encode()

    async def openapi(self, call: Call) -> Answer:  # noqa: ARG002 - every handler takes the call
        """Send the OpenAPI document."""
        return Answer(200, self._openapi)

    async def docs(self, call: Call) -> Answer:  # noqa: ARG002 - every handler takes the call
        """Send the page."""
        return Answer(200, self._page, media_type=b"text/html; charset=utf-8")
