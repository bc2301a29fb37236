"""The published schemas: generated from the structs that decode and encode, then made exact.

What a struct cannot say is added here by rule: the two ways to name a match,
the limits that are settings, the features that can be overridden, and that
items of a batch are judged one by one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from api import cache_responses, model_responses, reload_responses, requests, responses
from api.caching import CacheStats
from api.errors import Error
from api.questions import DESCRIBING_FIELDS, NEEDED_TO_DESCRIBE
from api.requests import PYTHON_END
from api.settings import ApiSettings
from features.registry import REGISTRY

Schema = dict[str, Any]

REFERENCE: Final = "#/components/schemas/{name}"

_BODIES: Final[Sequence[type[msgspec.Struct]]] = (
    requests.PredictionRequest,
    requests.BatchPredictionRequest,
    requests.ResultRow,
    requests.ResultsRequest,
    requests.ReloadRequest,
    requests.OldPredictRequest,
    requests.OldBatchRequest,
)
_ANSWERS: Final[Sequence[type[msgspec.Struct]]] = (
    responses.Prediction,
    responses.BatchError,
    responses.BatchPrediction,
    responses.Fixtures,
    responses.Match,
    responses.Competitions,
    responses.Teams,
    responses.ResultsReceipt,
    model_responses.ModelList,
    model_responses.ModelDetail,
    model_responses.Health,
    CacheStats,
    cache_responses.CacheHealth,
    cache_responses.CachePurge,
    reload_responses.ModelReload,
    reload_responses.ForcedReload,
    reload_responses.WatchStarted,
    reload_responses.WatchStopped,
    reload_responses.ReloadStats,
    model_responses.Stats,
    model_responses.OldPrediction,
    model_responses.OldBatch,
    model_responses.OldCard,
    model_responses.OldHealth,
    Error,
)


def component_schemas(settings: ApiSettings) -> dict[str, Schema]:
    """Return every published schema by name."""
    _, schemas = msgspec.json.schema_components([*_BODIES, *_ANSWERS], ref_template=REFERENCE)
    fields = schemas["PredictionRequest"]
    fields["properties"]["features"] = _features(fields["properties"]["features"])
    schemas["FeatureOverrides"] = _overrides()
    schemas |= _ways_to_name_a_match(fields)
    _judge_one_by_one(schemas["BatchPredictionRequest"], "requests", "PredictionRequest", settings.max_batch_size)
    _judge_one_by_one(schemas["ResultsRequest"], "results", "ResultRow", settings.max_results)
    schemas["OldBatchRequest"]["properties"]["match_ids"]["maxItems"] = settings.max_batch_size
    schemas["BatchPrediction"]["properties"]["predictions"]["items"] = {
        "anyOf": [reference("Prediction"), reference("BatchError")]
    }
    schemas["OpenApiDocument"] = {
        "title": "OpenApiDocument",
        "description": "An OpenAPI 3.1 document.",
        "type": "object",
        "required": ["openapi", "info", "paths", "components"],
    }
    return {name: portable(schemas[name]) for name in sorted(schemas)}


def portable(schema: Any) -> Any:
    r"""Return a schema whose patterns every dialect of regular expressions reads.

    >>> portable({"pattern": "^[a-z]+$(?!\\n)"})["pattern"]
    '^[a-z]+$'
    """
    if isinstance(schema, list):
        return [portable(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: portable(part) for key, part in schema.items()}
    if isinstance(kept.get("pattern"), str):
        kept["pattern"] = kept["pattern"].removesuffix(PYTHON_END)
    return kept


def query_parameters(query: type[msgspec.Struct], settings: ApiSettings) -> list[Schema]:
    """Return the parameters of a query string as OpenAPI writes them."""
    schemas = msgspec.json.schema_components([query], ref_template=REFERENCE)[1]
    parameters = []
    for name, schema in schemas[query.__name__]["properties"].items():
        description = schema.pop("description", "")
        if name == "limit":
            schema |= {"maximum": settings.max_page_size, "default": settings.default_page_size}
        parameters.append(
            {"name": name, "in": "query", "required": False, "description": description, "schema": schema}
        )
    return parameters


def reference(name: str) -> Schema:
    """Return a reference to a published schema."""
    return {"$ref": REFERENCE.format(name=name)}


def _features(schema: Schema) -> Schema:
    description = schema["anyOf"][0].get("description", "")
    return {"description": description, "anyOf": [reference("FeatureOverrides"), {"type": "null"}], "default": None}


def _overrides() -> Schema:
    properties = {
        feature.name: {
            "type": "number",
            "minimum": feature.minimum,
            "maximum": feature.maximum,
            "description": f"{feature.meaning} ({feature.unit})",
        }
        for feature in REGISTRY
    }
    return {
        "title": "FeatureOverrides",
        "description": "Values that replace computed features. Other names, and values out of range, are refused.",
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }


def _ways_to_name_a_match(fields: Schema) -> dict[str, Schema]:
    known = _with(fields, "KnownMatchRequest", without=DESCRIBING_FIELDS, required=("match_id",))
    described = _with(fields, "DescribedMatchRequest", without=("match_id",), required=NEEDED_TO_DESCRIBE)
    options = _with(fields, "KnownMatchOptions", without=(*DESCRIBING_FIELDS, "match_id", "model_name"), required=())
    known["description"] = "Ask for a prediction of a match by its id."
    described["description"] = "Ask for a prediction of a match by its teams; it need not be stored."
    options["description"] = "Options of a prediction whose match and model the URL names."
    either = {
        "title": "PredictionRequest",
        "description": fields["description"],
        "oneOf": [reference("KnownMatchRequest"), reference("DescribedMatchRequest")],
    }
    return {
        "PredictionRequest": either,
        "KnownMatchRequest": known,
        "DescribedMatchRequest": described,
        "KnownMatchOptions": options,
    }


def _with(fields: Schema, title: str, *, without: Sequence[str], required: Sequence[str]) -> Schema:
    kept: Mapping[str, Schema] = {n: schema for n, schema in fields["properties"].items() if n not in without}
    if "model_name" in kept:
        kept = {**kept, "model_name": {**kept["model_name"], "default": "default"}}
    return {**fields, "title": title, "properties": kept, "required": list(required)}


def _judge_one_by_one(schema: Schema, field: str, item: str, maximum: int) -> None:
    schema["properties"][field] |= {
        "maxItems": maximum,
        "items": {
            "anyOf": [reference(item), {"description": "Anything else is answered with an error of its own."}],
        },
    }
