"""The documentation as one page of HTML, rendered from the OpenAPI document and the feature registry.

It needs no other file and no script.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from api import examples
from api.docs_style import STYLE
from api.docs_tables import answer_table, error_table, feature_table, kind_of, parameter_table, schema_section
from features.registry import Feature

Document = Mapping[str, Any]

_LINE_LENGTH = 88


def docs_page(document: Document, registry: Iterable[Feature]) -> str:
    """Return the page."""
    info = document["info"]
    title = escape(info["title"])
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style></head>"
        f'<body><div class="page">{_navigation(document)}<main>'
        f'<h1>{title}</h1><p class="faint">Contract {escape(info["version"])} · '
        '<a href="/openapi.json">openapi.json</a></p>'
        f"<p>{escape(info['description'])}</p>"
        f"{''.join(_tag(document, tag) for tag in document['tags'])}"
        f"{_errors()}{_schemas(document)}{_features(registry)}"
        "</main></div></body></html>"
    )


def _operations(document: Document, tag: str) -> Iterable[tuple[str, str, Document]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if tag in operation["tags"]:
                yield method, path, operation


def _navigation(document: Document) -> str:
    parts = []
    for tag in document["tags"]:
        links = "".join(
            f'<li><a href="#{escape(operation["operationId"])}">{escape(operation["summary"])}</a></li>'
            for _, _, operation in _operations(document, tag["name"])
        )
        parts.append(f"<h2>{escape(tag['name'])}</h2><ul>{links}</ul>")
    reference = "".join(
        f'<li><a href="#{anchor}">{text}</a></li>'
        for anchor, text in (("errors", "Errors"), ("schemas", "Schemas"), ("features", "Features"))
    )
    return f"<nav>{''.join(parts)}<h2>Reference</h2><ul>{reference}</ul></nav>"


def _tag(document: Document, tag: Document) -> str:
    sections = "".join(_operation(*found) for found in _operations(document, tag["name"]))
    return f"<h2>{escape(tag['name'])}</h2><p>{escape(tag['description'])}</p>{sections}"


def _operation(method: str, path: str, operation: Document) -> str:
    anchor = escape(operation["operationId"])
    parts = [
        f'<h3 id="{anchor}"><span class="method {method}">{method.upper()}</span><code>{escape(path)}</code></h3>',
        f"<p>{escape(operation['summary'])}. {escape(operation['description'])}</p>",
    ]
    if operation["parameters"]:
        parts.append(parameter_table(operation["parameters"]))
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body is not None:
        needed = "Body" if operation["requestBody"]["required"] else "Body, may be empty"
        parts.append(f"<h4>{needed}</h4><p>{kind_of(body['schema'])}</p>")
    parts.append(f"<h4>Request</h4><pre>{escape(_curl(method, path, _example(body)))}</pre>")
    if (answer := _example(_success(operation))) is not None:
        parts.append(f"<h4>Answer</h4><pre>{escape(_written(answer))}</pre>")
    parts.append(f"<details><summary>Every answer</summary>{answer_table(operation['responses'])}</details>")
    return f"<section>{''.join(parts)}</section>"


def _success(operation: Document) -> Document:
    first = min(operation["responses"])
    content: Document = next(iter(operation["responses"][first]["content"].values()))
    return content


def _example(content: Document | None) -> Any:
    return None if content is None or "examples" not in content else content["examples"]["example"]["value"]


def _curl(method: str, path: str, example: Any) -> str:
    path = path.replace("{model_name}", "default").replace("{match_id}", examples.MATCH_ID)
    url = f"http://127.0.0.1:3000{path}"
    if example is None:
        return f"curl {url}" if method == "get" else f"curl -X {method.upper()} {url}"
    return f"curl {url} \\\n  -H 'Content-Type: application/json' \\\n  -d '{_written(example)}'"


def _written(value: Any, indent: str = "") -> str:
    """Return JSON to read: what fits on a line stays on one."""
    line = json.dumps(value, ensure_ascii=False)
    if len(line) + len(indent) <= _LINE_LENGTH or not isinstance(value, dict | list):
        return line
    inner = indent + "  "
    if isinstance(value, dict):
        parts = [f"{inner}{json.dumps(key)}: {_written(part, inner)}" for key, part in value.items()]
        return "{\n" + ",\n".join(parts) + f"\n{indent}}}"
    return "[\n" + ",\n".join(f"{inner}{_written(part, inner)}" for part in value) + f"\n{indent}]"


def _errors() -> str:
    return (
        '<h2 id="errors">Errors</h2><p>Every error has one shape. Branch on <code>error</code>; '
        "<code>message</code> is for people; <code>details.path</code> names the field, counted from the body"
        " (<code>$.requests[3].as_of</code>), the URL (<code>$.path.match_id</code>) or the query string"
        f" (<code>$.query.from</code>).</p><pre>{escape(_written(examples.ERROR))}</pre>{error_table()}"
    )


def _schemas(document: Document) -> str:
    schemas = document["components"]["schemas"]
    sections = "".join(schema_section(name, schema) for name, schema in schemas.items())
    return f'<h2 id="schemas">Schemas</h2>{sections}'


def _features(registry: Iterable[Feature]) -> str:
    return (
        '<h2 id="features">Features</h2><p>What a model may see of a match, all as of kick-off. Each can be overridden'
        f" in <code>features</code>, within its range.</p>{feature_table(registry)}"
    )
