"""The OpenAPI 3.1 document, written from the routes, their operations and the schemas that do the work."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from api import catalogue, examples
from api.errors import MEANING, STATUS, Code
from api.operations import Operation
from api.requests import NAME_PATTERN, PYTHON_END
from api.router import RESERVED_MODEL_NAMES, Route
from api.schemas import Schema, component_schemas, query_parameters, reference
from api.settings import ApiSettings

CONTRACT_VERSION: Final = "1.0.0"

_DESCRIPTION: Final = (
    "How likely is each result of a football match. JSON in, JSON out; every time is UTC (RFC 3339); unknown fields"
    " and parameters are refused with their path. Every answer carries X-Request-ID: the caller's, if it sent a valid"
    " one. HEAD is answered wherever GET is. A path with a trailing slash is another path."
)
_TAGS: Final[Mapping[str, str]] = {
    catalogue.PREDICTIONS: "How likely is each result of a match.",
    catalogue.MATCHES: "What can be asked for, and how results come in.",
    catalogue.SERVICE: "Which models answer, and how the service is.",
    catalogue.OLD: "The earlier version, until it ends.",
}
_PATH_PARAMETERS: Final[Mapping[str, Schema]] = {
    "model_name": {
        "name": "model_name",
        "in": "path",
        "required": True,
        "description": "Name of a served model; default stands for the default one. Words of the API cannot be names.",
        "schema": {
            "type": "string",
            "minLength": 1,
            "maxLength": 64,
            "pattern": NAME_PATTERN.removesuffix(PYTHON_END),
            "not": {"enum": sorted(RESERVED_MODEL_NAMES)},
        },
        "example": "default",
    },
    "match_id": {
        "name": "match_id",
        "in": "path",
        "required": True,
        "description": "Id of a match, as GET /v1/fixtures lists it.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 64},
        "example": examples.MATCH_ID,
    },
}
_REQUEST_ID: Final[Schema] = {
    "description": "The caller's X-Request-ID if it was valid, else a new one.",
    "required": True,
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,128}$"},
}
_RETRY_AFTER: Final[Schema] = {
    "description": "Seconds to wait before asking again.",
    "schema": {"type": "integer", "minimum": 1},
}
_SECURITY: Final[Mapping[str, Schema]] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "A caller's key; a server without keys asks for none.",
    },
    "header": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "The same key, in a header of its own.",
    },
}
_OLD_HEADERS: Final[Mapping[str, Schema]] = {
    "Deprecation": {
        "description": "Since when callers are asked to move (RFC 9745).",
        "required": True,
        "schema": {"type": "string", "pattern": "^@-?[0-9]+$"},
    },
    "Sunset": {
        "description": "From when on the answer is 410 (RFC 8594).",
        "required": True,
        "schema": {"type": "string"},
    },
    "Link": {"description": "What replaces the route.", "required": True, "schema": {"type": "string"}},
}


def openapi_document(routes: Iterable[Route], settings: ApiSettings) -> dict[str, Any]:
    """Return the OpenAPI document of the routes."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.template, {})[route.method.lower()] = _operation(route, settings)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Football match predictions",
            "version": CONTRACT_VERSION,
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "paths": paths,
        "security": [{"bearer": []}, {"header": []}, {}],
        "components": {"schemas": component_schemas(settings), "securitySchemes": dict(_SECURITY)},
    }


def _operation(route: Route, settings: ApiSettings) -> Schema:
    operation = route.operation
    written: Schema = {
        "operationId": operation.identifier,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": f"{operation.description} Scope: {operation.scope.value}.".strip(),
        "parameters": [
            *(_PATH_PARAMETERS[name] for name in re.findall(r"{(\w+)}", route.template)),
            *query_parameters(operation.query, settings),
        ],
        "responses": _responses(operation),
    }
    if operation.request is not None:
        written["requestBody"] = _request_body(operation)
    if operation.is_deprecated:
        written["deprecated"] = True
    return written


def _request_body(operation: Operation) -> Schema:
    content: Schema = {"schema": reference(str(operation.request))}
    if operation.example is not None:
        content["examples"] = {"example": {"value": operation.example}}
    return {"required": not operation.is_body_optional, "content": {"application/json": content}}


def _responses(operation: Operation) -> Schema:
    answers: dict[int, Schema] = {operation.status: _success(operation)}
    by_status: dict[int, list[Code]] = {}
    for code in operation.all_refusals:
        by_status.setdefault(STATUS[code], []).append(code)
    for status, codes in by_status.items():
        answers[status] = _refusal(operation, status, codes)
    for status, schema, description in operation.other_answers:
        answers[status] = _response(operation, description, {"application/json": {"schema": reference(schema)}})
    return {str(status): answers[status] for status in sorted(answers)}


def _success(operation: Operation) -> Schema:
    schema = {"type": "string"} if operation.answer is None else reference(operation.answer)
    content: Schema = {"schema": schema}
    if operation.example_answer is not None:
        content["examples"] = {"example": {"value": operation.example_answer}}
    return _response(operation, HTTPStatus(operation.status).phrase, {operation.media_type: content})


def _refusal(operation: Operation, status: int, codes: Sequence[Code]) -> Schema:
    description = " ".join(f"{code}: {MEANING[code]}" for code in codes)
    response = _response(operation, description, {"application/json": {"schema": reference("Error")}})
    if status in {STATUS[Code.MODEL_UNAVAILABLE], STATUS[Code.RATE_LIMITED]}:
        response["headers"]["Retry-After"] = _RETRY_AFTER
    return response


def _response(operation: Operation, description: str, content: Schema) -> Schema:
    headers = {"X-Request-ID": _REQUEST_ID, **(_OLD_HEADERS if operation.is_deprecated else {})}
    return {"description": description, "headers": headers, "content": content}
