"""Cuts Bluesky's lexicons to some methods, as an OpenAPI document of plain JSON Schema.

node -e "import('@atproto/api').then(m => console.log(JSON.stringify(m.schemas)))" > LEXICONS.json
python -m tests.flows.sources.contracts.lexicons LEXICONS.json OUT.json "origin and version" method…

Of a union only the tag is kept; strings keep their type, not their format.
"""

import json
import sys
from pathlib import Path
from typing import Any

from tests.flows.sources.contracts.cut import references

_KEPT = {"minimum", "maximum", "minLength", "maxLength", "enum", "const"}
_TAGGED = {"type": "object", "required": ["$type"], "properties": {"$type": {"type": "string"}}}


def schema(node: dict[str, Any], home: str) -> dict[str, Any]:
    """Return a lexicon's type as JSON Schema; `home` is the lexicon it stands in."""
    kept = {key: value for key, value in node.items() if key in _KEPT}
    match node["type"]:
        case "ref":
            lexicon, _, name = node["ref"].removeprefix("lex:").partition("#")
            return {"$ref": f"#/components/schemas/{lexicon or home}.{name or 'main'}"}
        case "union":
            return _TAGGED
        case "array":
            bounds = {f"{key[:3]}Items": value for key, value in kept.items() if key.endswith("Length")}
            return {"type": "array", "items": schema(node["items"], home), **bounds}
        case "object" | "params":
            nullable = set(node.get("nullable", ()))
            held = {name: schema(inner, home) for name, inner in node.get("properties", {}).items()}
            held = {n: {"anyOf": [s, {"type": "null"}]} if n in nullable else s for n, s in held.items()}
            return {"type": "object", "required": node.get("required", []), "properties": held}
        case "string" | "integer" | "boolean" as simple:
            return {"type": simple, **kept}
        case "token":
            return {"type": "string"}
        case _:
            return {"type": "object"}


def main(source: str, target: str, origin: str, *methods: str) -> None:
    """Cut a file."""
    lexicons = {one["id"]: one["defs"] for one in json.loads(Path(source).read_text("utf-8"))}
    paths: dict[str, Any] = {}
    for method in methods:
        found = lexicons[method]["main"]
        wanted = found.get("parameters", {})
        query = [
            {
                "in": "query",
                "name": name,
                "required": name in wanted.get("required", ()),
                "schema": schema(held, method),
            }
            for name, held in wanted.get("properties", {}).items()
        ]
        content = {"application/json": {"schema": schema(found["output"]["schema"], method)}}
        verb = "get" if found["type"] == "query" else "post"
        paths[f"/xrpc/{method}"] = {verb: {"parameters": query, "responses": {"200": {"content": content}}}}
    schemas: dict[str, Any] = {}
    todo = references(paths)
    while todo:
        full = todo.pop().rpartition("/")[2]
        lexicon, _, name = full.rpartition(".")
        schemas[full] = schema(lexicons[lexicon][name], lexicon)
        todo |= {one for one in references(schemas[full]) if one.rpartition("/")[2] not in schemas}
    found = {"origin": origin, "license": "MIT", "paths": paths, "components": {"schemas": schemas}}
    Path(target).write_text(json.dumps(found, sort_keys=True, separators=(",", ":")) + "\n", "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
