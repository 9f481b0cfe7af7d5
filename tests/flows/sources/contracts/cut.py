"""Cuts an OpenAPI document to some paths and what they refer to, as plain JSON Schema.

python -m tests.flows.sources.contracts.cut SPEC.json OUT.json "origin and version" /path…

Descriptions, examples and extensions go; `nullable` of OpenAPI 3.0 becomes the type null of JSON Schema.
"""

import json
import sys
from pathlib import Path
from typing import Any

_LEFT_OUT = {"description", "summary", "example", "examples", "externalDocs", "tags", "deprecated", "discriminator"}
_METHODS = {"get", "post"}


def plain(node: Any, *, names: bool = False) -> Any:
    """Return a part of a document without its prose; under `names` keys are names of properties, not keywords."""
    if isinstance(node, list):
        return [plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {
        key: plain(value, names=key in {"properties", "schemas", "responses", "parameters", "paths"} and not names)
        for key, value in node.items()
        if names or not (key in _LEFT_OUT or key.startswith("x-") or key == "nullable")
    }
    if names or node.get("nullable") is not True:
        return kept
    if "enum" in kept:
        kept["enum"] = [*kept["enum"], None]
    if isinstance(kept.get("type"), str):
        return {**kept, "type": [kept["type"], "null"]}
    return {"anyOf": [kept, {"type": "null"}]}


def references(node: Any) -> set[str]:
    """Return every reference within the document that stands in a part of it."""
    if isinstance(node, list):
        return {found for item in node for found in references(item)}
    if not isinstance(node, dict):
        return set()
    own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
    return own | {found for value in node.values() for found in references(value)}


def cut(spec: dict[str, Any], paths: list[str], origin: str) -> dict[str, Any]:
    """Return a document with some paths only."""
    out: dict[str, Any] = {"origin": origin, "license": spec["info"]["license"]["name"], "paths": {}, "components": {}}
    for path in paths:
        methods = {name: held for name, held in spec["paths"][path].items() if name in _METHODS}
        out["paths"][path] = {
            name: {
                key: plain(held[key], names=key == "responses") for key in ("parameters", "responses") if key in held
            }
            for name, held in methods.items()
        }
    todo, done = references(out["paths"]), set()
    while todo:
        reference = todo.pop()
        done.add(reference)
        _, _, kind, name = reference.split("/")
        found = plain(spec["components"][kind][name])
        out["components"].setdefault(kind, {})[name] = found
        todo |= references(found) - done
    return out


def main(source: str, target: str, origin: str, *paths: str) -> None:
    """Cut a file."""
    found = cut(json.loads(Path(source).read_text("utf-8")), list(paths), origin)
    Path(target).write_text(json.dumps(found, sort_keys=True, separators=(",", ":")) + "\n", "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
