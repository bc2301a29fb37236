"""Tables of the documentation page: the fields of a schema, parameters, answers, errors, features."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from api.errors import MEANING, STATUS, Code
from features.registry import Feature

Schema = Mapping[str, Any]

_LIMITS = (
    ("minimum", "at least {}"),
    ("maximum", "at most {}"),
    ("minLength", "{} or more characters"),
    ("maxLength", "at most {} characters"),
    ("minItems", "{} or more items"),
    ("maxItems", "at most {} items"),
)


def schema_section(name: str, schema: Schema) -> str:
    """Return one schema, folded, with a row for each field."""
    fields = schema.get("properties", {})
    required = set(schema.get("required", ()))
    body = f"<p>{escape(schema.get('description', ''))}</p>"
    if "oneOf" in schema or "enum" in schema:
        body += f"<p>{kind_of(schema)}</p>"
    if fields:
        rows = [
            (
                f"<code>{escape(field)}</code>",
                kind_of(part),
                "yes" if field in required else "no",
                _remarks(part),
            )
            for field, part in fields.items()
        ]
        body += table(("field", "type", "required", "remarks"), rows)
    return f'<details id="schema-{escape(name)}"><summary>{escape(name)}</summary>{body}</details>'


def kind_of(schema: Schema) -> str:
    """Return the type of a value in words, with links to the schemas that it refers to."""
    if "$ref" in schema:
        name = escape(str(schema["$ref"]).rpartition("/")[2])
        return f'<a href="#schema-{name}">{name}</a>'
    for joined in ("anyOf", "oneOf"):
        parts = [kind_of(part) for part in schema.get(joined, ())]
        if any(parts):
            return " or ".join(part for part in parts if part)
    if "enum" in schema:
        return " | ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {kind_of(schema.get('items', {})) or 'anything'}"
    if isinstance(schema.get("additionalProperties"), Mapping):
        return f"object of {kind_of(schema['additionalProperties']) or 'anything'}"
    return escape(" ".join(str(schema[key]) for key in ("type", "format") if key in schema))


def parameter_table(parameters: Sequence[Schema]) -> str:
    """Return the parameters of an operation."""
    rows = [
        (
            f"<code>{escape(parameter['name'])}</code>",
            escape(parameter["in"]),
            kind_of({key: value for key, value in parameter["schema"].items() if key != "anyOf"}),
            _remarks({**parameter["schema"], "description": parameter["description"]}),
        )
        for parameter in parameters
    ]
    return table(("parameter", "in", "type", "remarks"), rows)


def answer_table(responses: Mapping[str, Schema]) -> str:
    """Return the answers of an operation by status."""
    rows = []
    for status, response in responses.items():
        (content,) = response["content"].values()
        rows.append((f"<code>{escape(status)}</code>", kind_of(content["schema"]), escape(response["description"])))
    return table(("status", "body", "when"), rows)


def error_table() -> str:
    """Return every error code with its status and meaning."""
    rows = [(f"<code>{STATUS[code]}</code>", f"<code>{code}</code>", escape(MEANING[code])) for code in Code]
    return table(("status", "code", "meaning"), rows)


def feature_table(registry: Iterable[Feature]) -> str:
    """Return every feature of the registry."""
    rows = [
        (
            f"<code>{escape(feature.name)}</code>",
            escape(feature.meaning),
            escape(feature.unit),
            f"{feature.minimum:g} to {feature.maximum:g}",
            escape(feature.missing),
        )
        for feature in registry
    ]
    return table(("feature", "meaning", "unit", "range", "missing"), rows)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; cells are HTML already."""
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _remarks(schema: Schema) -> str:
    said = [_description(schema)]
    bounded: Schema = next((part for part in schema.get("anyOf", ()) if part.get("type") != "null"), {})
    limits = {**bounded, **schema}
    said += [text.format(f"{limits[key]:,}") for key, text in _LIMITS if key in limits]
    if "pattern" in limits:
        said.append(f"pattern <code>{escape(limits['pattern'])}</code>")
    if "default" in schema:
        default = {None: "null", True: "true", False: "false"}.get(schema["default"], schema["default"])
        said.append(f"default <code>{escape(str(default))}</code>")
    return "; ".join(part for part in said if part)


def _description(schema: Schema) -> str:
    parts = (schema, *schema.get("anyOf", ()))
    return escape(next((part["description"] for part in parts if part.get("description")), "").rstrip("."))
