from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.mapping import MAX_TEXT, MappingError, author_hash, parse_when, to_report

NOW = datetime(2026, 11, 21, tzinfo=UTC)
POST = {
    "id": "a:1",
    "source": "github_issue:o/r",
    "url": "https://github.com/o/r/issues/1",
    "created_at": "2026-03-01T12:00:00+02:00",
    "title": "It deleted my branch",
    "text": "It deleted my branch\n\nI had said: do not touch it.",
}


def report(**changes: Any) -> Any:
    return to_report({**POST, **changes}, source_id="import", key=b"k", now=NOW)


@pytest.mark.parametrize(
    ("text", "at", "precision", "assumed"),
    [
        ("2026-03-01T12:00:00+02:00", datetime(2026, 3, 1, 10, tzinfo=UTC), "second", False),
        ("2026-03-01T12:00:00Z", datetime(2026, 3, 1, 12, tzinfo=UTC), "second", False),
        ("2026-03-01T12:00:00", datetime(2026, 3, 1, 12, tzinfo=UTC), "second", True),
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC), "day", False),
        ("2026-03", datetime(2026, 3, 1, tzinfo=UTC), "month", False),
        ("2026", datetime(2026, 1, 1, tzinfo=UTC), "year", False),
        (None, None, "unknown", False),
    ],
)
def test_dates_keep_their_precision(text: str | None, at: datetime | None, precision: str, assumed: bool) -> None:
    when = parse_when(text, NOW)
    assert (when.at, when.precision, when.zone_assumed) == (at, precision, assumed)


@pytest.mark.parametrize(
    "text", ["yesterday", "2026-13", "2026-02-30", "", "2031-01-01", "0000", "9999-12-31T23:59:59-14:00"]
)
def test_a_date_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(MappingError) as caught:
        parse_when(text, NOW)
    assert caught.value.reason == "invalid_date"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"title": 5}, "wrong_type"),
        ({"title": None}, "wrong_type"),
        ({"url": ["x"]}, "wrong_type"),
        ({"id": ""}, "missing_field"),
        ({"title": " ", "text": ""}, "missing_field"),
        ({"text": "a\x00b"}, "nul_byte"),
        ({"text": "\ud800"}, "encoding"),
        ({"text": "x" * (MAX_TEXT + 1)}, "too_long"),
        ({"engagement": "many"}, "wrong_type"),
        ({"engagement": float("inf")}, "wrong_type"),
    ],
)
def test_a_broken_field_is_named(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(MappingError) as caught:
        report(**changes)
    assert caught.value.reason == reason


@pytest.mark.parametrize("name", ["id", "source", "url", "created_at", "title", "text"])
def test_a_missing_field_is_named(name: str) -> None:
    with pytest.raises(MappingError) as caught:
        to_report({k: v for k, v in POST.items() if k != name}, source_id="import", key=b"k", now=NOW)
    assert caught.value.reason == "missing_field"
    assert name in caught.value.detail


def test_a_title_repeated_in_the_text_is_counted_once() -> None:
    assert report().text == "I had said: do not touch it."


def test_an_author_is_a_keyed_hash() -> None:
    assert report(author="alice").author_key == author_hash("alice", b"k")
    assert author_hash("alice", b"k") != author_hash("alice", b"other")
    assert "alice" not in report(author="alice").model_dump_json()


def test_engagement_is_a_number_or_a_sum() -> None:
    assert report(engagement=3).engagement == 3
    assert report(engagement={"likes": 2, "reposts": 5}).engagement == 7


@given(
    st.dictionaries(
        st.sampled_from([*POST, "author", "lang", "engagement"]),
        st.one_of(st.none(), st.text(), st.integers(), st.floats(), st.lists(st.integers(), max_size=2)),
        max_size=9,
    )
)
def test_any_item_is_mapped_or_refused_with_a_known_reason(item: dict[str, Any]) -> None:
    from warehouse.schema.codes import REJECT_REASON

    try:
        to_report({**POST, **item}, source_id="import", key=b"k", now=NOW)
    except MappingError as error:
        assert error.reason in REJECT_REASON
