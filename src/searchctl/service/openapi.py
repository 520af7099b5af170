"""The API's own description, OpenAPI 3.1, made from the operations and their types."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from searchctl.service import bodies
from searchctl.service.operations import OPERATIONS, Operation
from searchctl.types import Json

_REF = "#/components/schemas/{name}"
_ERRORS = {
    "400": "The request can't be understood.",
    "401": "A token is needed.",
    "403": "The token doesn't allow this.",
    "404": "There is no such index or document.",
    "409": "The index was made with another encoder.",
    "413": "The request is too large.",
    "415": "The body isn't of the type that is needed.",
    "422": "The document can't be stored.",
    "429": "Too many requests.",
    "500": "The service failed.",
    "501": "A part of the installation is missing.",
    "502": "The engine doesn't answer.",
    "503": "The index or the encoder can't be used just now.",
    "507": "The engine can't store.",
}
_BULK = "/v1/indexes/{index}/documents"


def description(version: str) -> Json:
    """Return the OpenAPI document."""
    types = [kind for operation in OPERATIONS for kind in (operation.asked, operation.answer) if kind is not None]
    _, components = msgspec.json.schema_components(
        [*dict.fromkeys(types), bodies.ProblemBody, bodies.HealthBody], ref_template=_REF
    )
    _allow_fields(components["DocumentBody"])
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, components)
    paths[_BULK] = {"post": _bulk()}
    paths["/health"] = {"get": _plain("health", "Tell whether the service can answer.", bodies.HealthBody)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "searchctl",
            "version": version,
            "description": "Hybrid search by words and by meaning, and routing of texts to labels.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


def _operation(operation: Operation, components: dict[str, Any]) -> Json:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1, "maxLength": 512}}
        for name in re.findall(r"{(\w+)}", operation.path)
    ]
    told: dict[str, Any] = {"operationId": operation.name, "summary": operation.summary}
    if operation.asked is not None and operation.method == "GET":
        parameters += _query_parameters(components[operation.asked.__name__])
    elif operation.asked is not None:
        told["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": _REF.format(name=operation.asked.__name__)}}},
        }
    return {**told, "parameters": parameters, "responses": _responses(operation.answer)}


def _query_parameters(schema: dict[str, Any]) -> list[dict[str, Any]]:
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": _without_null(kind)}
        for name, kind in schema["properties"].items()
    ]


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return what a query string can hold of a type: nothing stands for null there."""
    if "anyOf" not in schema:
        return schema
    (kind,) = [one for one in schema["anyOf"] if one != {"type": "null"}]
    return dict(kind)


def _allow_fields(schema: dict[str, Any]) -> None:
    values = {"type": ["string", "number", "boolean", "array", "null"]}
    schema["additionalProperties"] = values


def _responses(answer: type) -> Json:
    problem = {"application/problem+json": {"schema": {"$ref": _REF.format(name="ProblemBody")}}}
    good = {"application/json": {"schema": {"$ref": _REF.format(name=answer.__name__)}}}
    return {
        "200": {"description": "The answer.", "content": good},
        "304": {"description": "Nothing has changed since the answer that If-None-Match names."},
        **{status: {"description": told, "content": problem} for status, told in _ERRORS.items()},
    }


def _bulk() -> Json:
    return {
        "operationId": "write_documents",
        "summary": "Store many documents: JSON Lines, one document a line, with `id`, `text`, `title` and fields.",
        "parameters": [{"name": "index", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}],
        "requestBody": {
            "required": True,
            "content": {"application/x-ndjson": {"schema": {"type": "string"}}},
        },
        "responses": _responses(bodies.WriteReport),
    }


def _plain(name: str, summary: str, answer: type) -> Json:
    return {"operationId": name, "summary": summary, "responses": _responses(answer)}
