"""Writes x.json: X's API v2 in our own words, for its document is in no package registry.

python -m tests.flows.sources.contracts.x

Names, limits and patterns are those of X's API reference 2.167, with the older names that its answers still use.
"""

import json
from typing import Any

from tests.flows.sources.contracts.check import HERE

_TIME: dict[str, Any] = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|\+00:00)$"}
_ID = {"type": "string", "pattern": r"^\d{1,19}$"}
_COUNT = {"type": "integer", "minimum": 0}
_FIELDS = [
    "article",
    "attachments",
    "author_id",
    "card_uri",
    "community_id",
    "context_annotations",
    "conversation_id",
    "created_at",
    "display_text_range",
    "edit_controls",
    "edit_history_tweet_ids",
    "entities",
    "geo",
    "id",
    "in_reply_to_user_id",
    "lang",
    "media_metadata",
    "non_public_metrics",
    "note_tweet",
    "organic_metrics",
    "possibly_sensitive",
    "promoted_metrics",
    "public_metrics",
    "referenced_tweets",
    "reply_settings",
    "scopes",
    "source",
    "suggested_source_links",
    "text",
    "withheld",
]
_POST = {
    "type": "object",
    "required": ["id", "text"],
    "properties": {
        "id": _ID,
        "text": {"type": "string"},
        "created_at": _TIME,
        "author_id": _ID,
        "lang": {"type": "string"},
        "note_tweet": {"type": "object", "properties": {"text": {"type": "string"}}},
        "public_metrics": {
            "type": "object",
            "required": ["retweet_count", "reply_count", "like_count"],
            "additionalProperties": _COUNT,
        },
    },
}
_PROBLEM = {
    "type": "object",
    "required": ["title"],
    "properties": {"title": {"type": "string"}, "detail": {"type": "string"}, "status": {"type": "integer"}},
}
_ERRORS = {"type": "array", "minItems": 1, "items": _PROBLEM}
_HOUR = {
    "type": "object",
    "required": ["start", "end"],
    "properties": {"start": _TIME, "end": _TIME, "tweet_count": _COUNT, "post_count": _COUNT},
    "anyOf": [{"required": ["tweet_count"]}, {"required": ["post_count"]}],
}


def _param(name: str, *, required: bool = False, **schema: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": required, "schema": schema}


def _get(parameters: list[dict[str, Any]], properties: dict[str, Any]) -> dict[str, Any]:
    answers = {"200": {"type": "object", "properties": properties}, "400": _PROBLEM, "401": _PROBLEM}
    responses = {code: {"content": {"application/json": {"schema": schema}}} for code, schema in answers.items()}
    return {"get": {"parameters": parameters, "responses": responses}}


def main() -> None:
    """Write the document."""
    query = _param("query", required=True, type="string", minLength=1, maxLength=512)
    span = [_param("start_time", **_TIME), _param("end_time", **_TIME)]
    fields = _param("tweet.fields", type="array", items={"enum": _FIELDS}, minItems=1, uniqueItems=True)
    posts = {"type": "array", "items": _POST}
    meta = {"type": "object", "required": ["result_count"], "properties": {"result_count": _COUNT}}
    search = [
        query,
        *span,
        fields,
        _param("max_results", type="integer", minimum=10, maximum=100),
        _param("next_token", type="string", minLength=1),
    ]
    counts = [query, *span, _param("granularity", enum=["minute", "hour", "day"])]
    paths = {
        "/tweets/search/recent": _get(search, {"data": posts, "meta": meta, "errors": _ERRORS}),
        "/tweets/counts/recent": _get(counts, {"data": {"type": "array", "items": _HOUR}, "errors": _ERRORS}),
        "/tweets": _get(
            [_param("ids", required=True, type="array", items=_ID, minItems=1, maxItems=100), fields],
            {"data": posts, "errors": {"type": "array", "items": _PROBLEM}},
        ),
    }
    origin = "our own words, after X's API reference 2.167: see x.py"
    text = json.dumps({"origin": origin, "paths": paths, "components": {}}, sort_keys=True, separators=(",", ":"))
    (HERE / "x.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
