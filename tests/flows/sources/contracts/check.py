"""Whether a request and its answer are as a platform's published document says."""

import gzip
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from tests.flows.sources.standin import Reply, Request

HERE = Path(__file__).parent


@cache
def document(name: str) -> dict[str, Any]:
    """Return a platform's document."""
    found: dict[str, Any] = json.loads((HERE / f"{name}.json").read_text("utf-8"))
    return found


def problems(name: str, request: Request, reply: Reply) -> Iterator[str]:
    """Yield what is not as the document says, in words."""
    held = document(name)
    path, operation = _operation(held, request)
    if operation is None:
        yield f"{request.method} {request.path} is not in the document"
        return
    declared = {given["name"]: given for given in map(_resolver(held), operation.get("parameters", ()))}
    query = {one: given for one, given in declared.items() if given["in"] == "query"}
    for one, given in query.items():
        if given.get("required") and one not in request.query:
            yield f"{path}: {one} was not sent"
    for one, value in request.query.items():
        if one not in query:
            yield f"{path}: {one} is not a parameter"
            continue
        for error in _validator(held, query[one]["schema"]).iter_errors(_typed(value, query[one]["schema"])):
            yield f"{path}: {one}={value}: {error.message}"
    answer = operation["responses"].get(str(reply.status))
    if answer is None:
        # A document that lists successes only says nothing of failures.
        if reply.status < 400 or any(code >= "400" for code in operation["responses"]):
            yield f"{path}: status {reply.status} is not in the document"
        return
    content = _resolver(held)(answer).get("content", {}).get("application/json")
    if content is None:
        return
    packed = reply.headers.get("Content-Encoding") == "gzip"
    body = json.loads(gzip.decompress(reply.data) if packed else reply.data)
    for error in _validator(held, content["schema"]).iter_errors(body):
        yield f"{path} {reply.status}: {error.json_path}: {error.message[:200]}"


def _operation(held: Mapping[str, Any], request: Request) -> tuple[str, dict[str, Any] | None]:
    for template, methods in held["paths"].items():
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
        if re.fullmatch(pattern, request.path):
            return template, methods.get(request.method.lower())
    return request.path, None


def _resolver(held: Mapping[str, Any]) -> Any:
    def resolve(node: dict[str, Any]) -> dict[str, Any]:
        if "$ref" not in node:
            return node
        _, _, kind, name = node["$ref"].split("/")
        found: dict[str, Any] = held["components"][kind][name]
        return found

    return resolve


def _validator(held: Mapping[str, Any], schema: Mapping[str, Any]) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": held["components"]})


def _typed(value: str, schema: Mapping[str, Any]) -> object:
    """Return a parameter as what it stands for: a query holds text only, a list as its parts with commas."""
    kind = schema.get("type")
    if kind == "integer" and re.fullmatch(r"-?\d+", value):
        return int(value)
    if kind == "boolean" and value in {"true", "false"}:
        return value == "true"
    return value.split(",") if kind == "array" else value
