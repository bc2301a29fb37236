"""The routes that serve the contract itself: the OpenAPI document and the page to read."""

from __future__ import annotations

import asyncio
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
    """Answer with documents that are written once, when first asked for, from all routes including its own.

    Writing them takes a fifth of a second, which neither a starting worker nor its event loop has.
    """

    def __init__(self, routes: Sequence[Route], settings: ApiSettings) -> None:
        self.routes = (
            *routes,
            Route("GET", "/openapi.json", self.openapi, catalogue.OPENAPI),
            Route("GET", "/docs", self.docs, catalogue.DOCS),
        )
        self._settings = settings
        self._written: tuple[bytes, bytes] | None = None

    async def openapi(self, call: Call) -> Answer:  # noqa: ARG002 - every handler takes the call
        """Send the OpenAPI document."""
        document, _ = await self._documents()
        return Answer(200, document)

    async def docs(self, call: Call) -> Answer:  # noqa: ARG002 - every handler takes the call
        """Send the page."""
        _, page = await self._documents()
        return Answer(200, page, media_type=b"text/html; charset=utf-8")

    async def _documents(self) -> tuple[bytes, bytes]:
        if self._written is None:
            self._written = await asyncio.to_thread(self._write)
        return self._written

    def _write(self) -> tuple[bytes, bytes]:
        document = openapi_document(self.routes, self._settings)
        return msgspec.json.encode(document), docs_page(document, REGISTRY).encode()
