"""Audit draws: known probabilities, one frame a post, the same posts for the same seed; the private queue."""

import json
import random
from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.warehouse.builders import NOW, RUN, add_report, warehouse
from tests.warehouse.test_incidents import settle
from warehouse.connect import WarehouseError
from warehouse.review.audit import Stratum, allocate, draw, draw_monthly
from warehouse.review.decisions import Decision, decide
from warehouse.review.file import open_review, review_file, write_review_file
from warehouse.review.items import both_read, items, waiting
from warehouse.rows import merge, scalar
from warehouse.schema.tables import TABLES


def add_post(
    con: duckdb.DuckDBPyConnection, name: str, *, kept: bool, seen: datetime = NOW, sample_p: float | None = None
) -> None:
    """Store a screened post with its raw item; a kept one needs `add_report` too."""
    payload: dict[str, Any] = {"id": name} if sample_p is None else {"id": name, "sample_p": sample_p}
    item = {"source_id": "import", "given_id": name, "content_hash": name, "report_id": name, "text_hash": "h"}
    merge(con, TABLES["raw_items"], [{**item, "payload": json.dumps(payload), "fetched_at": seen, "run_id": RUN}])
    screening = {"report_id": name, "text_hash": "h", "screen": "s", "platform": name.split(":")[0], "kept": kept}
    merge(con, TABLES["screenings"], [{**screening, "screened_at": seen, "run_id": RUN}])


def fill(con: duckdb.DuckDBPyConnection, rejected: int = 60, kept: int = 20, seen: datetime = NOW) -> None:
    names = [(f"github:{seen:%d}-r{number}", False) for number in range(rejected)]
    names += [(f"reddit:{seen:%d}-k{number}", True) for number in range(kept)]
    random.Random(1).shuffle(names)
    for number, (name, is_kept) in enumerate(names):
        add_post(con, name, kept=is_kept, seen=seen)
        if is_kept:
            add_report(con, name, text="told", p_strict=(number % 10) / 10, is_strict=number % 10 >= 5)


@pytest.fixture
def con(tmp_path: Path) -> Any:
    with warehouse(tmp_path / "x.duckdb") as opened:
        yield opened


def drawn(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return con.execute("SELECT draw, report_id, stratum, inclusion_p FROM audit_draws ORDER BY ALL").fetchall()


def test_the_probabilities_add_up_to_the_frame(con: duckdb.DuckDBPyConnection) -> None:
    fill(con)
    n = draw(con, 30, seed=7, run_id=RUN, now=NOW)
    assert n >= 30
    strata = con.execute("SELECT stratum, posts, drawn, inclusion_p FROM audit_strata").fetchall()
    assert sum(posts for _, posts, _, _ in strata) == 80
    assert all(least >= min(2, posts) and p == least / posts for _, posts, least, p in strata)
    held: dict[str, float] = defaultdict(float)
    for _, _, stratum, p in drawn(con):
        held[stratum] += 1 / p
    assert held == pytest.approx({stratum: posts for stratum, posts, _, _ in strata})
    assert {stratum.split(",")[0] for stratum in held} == {"rejected", "strict", "not strict"}


def test_every_post_is_drawn_about_as_often_as_stated(con: duckdb.DuckDBPyConnection) -> None:
    fill(con, rejected=30, kept=0)
    times: dict[str, int] = defaultdict(int)
    seeds = 200
    for seed in range(seeds):
        draw(con, 10, seed=seed, run_id=RUN, now=NOW)
        for _, report, _, p in drawn(con):
            assert p == pytest.approx(10 / 30)
            times[report] += 1
        con.execute("DELETE FROM audit_draws; DELETE FROM audit_strata")
    # 200 draws at 1/3: expected 67, standard deviation 6.7; 30 posts stay within 4 of them.
    assert len(times) == 30
    assert all(abs(count - seeds / 3) < 27 for count in times.values())


def test_a_share_stored_by_a_firehose_is_the_first_phase(con: duckdb.DuckDBPyConnection) -> None:
    for number in range(20):
        add_post(con, f"bluesky:{number}", kept=False, sample_p=0.01)
        add_post(con, f"github:{number}", kept=False)
    # A post that was also read whole stands for itself alone.
    merge(con, TABLES["raw_items"], [{**dict.fromkeys(TABLES["raw_items"].columns), "source_id": "other",
          "given_id": "bluesky:0", "content_hash": "c", "report_id": "bluesky:0", "payload": "{}"}])  # fmt: skip
    draw(con, 40, seed=1, run_id=RUN, now=NOW)
    found = {report: p for _, report, _, p in drawn(con)}
    assert found["bluesky:0"] == 1
    assert found["bluesky:1"] == pytest.approx(0.01)
    assert found["github:1"] == 1


def test_no_post_is_in_two_frames_and_answers_cannot_change_a_draw(con: duckdb.DuckDBPyConnection) -> None:
    fill(con)
    assert draw_monthly(con, 20, run_id=RUN, now=NOW) >= 20
    first = drawn(con)
    # Answers, new labels and a new screen give nobody a second chance.
    con.execute("UPDATE labels SET p_strict = 1 - p_strict")
    for _, report, _, p in first:
        row = decide(report, "is_strict", "true", reviewer="ab", expected_text_hash="h", draw_reason="audit",
                     inclusion_p=p)  # fmt: skip
        merge(con, TABLES["reviews"], [row.model_dump()])
    con.execute(
        "INSERT INTO screenings SELECT * REPLACE ('s2' AS screen, screened_at + INTERVAL 9 DAY AS screened_at) FROM screenings"
    )
    assert draw_monthly(con, 20, run_id=RUN, now=NOW) == 0
    next_month = NOW + timedelta(days=32)
    assert draw_monthly(con, 20, run_id=RUN, now=next_month) == 0
    fill(con, seen=next_month)
    assert draw_monthly(con, 20, run_id=RUN, now=next_month) >= 20
    second = [row for row in drawn(con) if row not in first]
    assert {row[1] for row in second}.isdisjoint({f"github:{NOW:%d}-r{number}" for number in range(60)})
    assert {row[0] for row in second}.isdisjoint({row[0] for row in first})


def test_the_same_seed_draws_the_same_whatever_the_order(tmp_path: Path) -> None:
    found = []
    for order in (1, -1):
        with warehouse(tmp_path / f"{order}.duckdb") as con:
            for number in list(range(50))[::order]:
                add_post(con, f"github:{number}", kept=False)
            draw(con, 10, seed=3, run_id=RUN, now=NOW)
            found.append(drawn(con))
    assert found[0] == found[1]


STRATA = st.lists(
    st.builds(Stratum, st.uuids().map(str), st.integers(1, 500), st.none() | st.floats(0, 1), st.floats(0.001, 1)),
    min_size=1,
    max_size=12,
    unique_by=lambda one: one.name,
)


@given(STRATA, st.integers(0, 1000))
def test_a_draw_is_shared_out_whole(strata: list[Stratum], size: int) -> None:
    found = allocate(strata, size)
    least = sum(min(2, one.posts) for one in strata)
    assert sum(found.values()) == min(max(size, least), sum(one.posts for one in strata))
    assert all(min(2, one.posts) <= found[one.name] <= one.posts for one in strata)


# the private queue


def as_report(source_id: str, payload: str) -> dict[str, Any]:
    name = json.loads(payload)["id"]
    return {**dict.fromkeys(TABLES["reports"].columns), "report_id": name, "text_hash": "h", "platform": "github",
            "title": "a rejected post", "text": "", "created_precision": "unknown", "author_key": "somebody"}  # fmt: skip


def test_the_queue_is_private_whole_and_of_the_queue_only(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    db = tmp_path / "x.duckdb"
    add_report(con, "github:far", text="SECRETFAR", p_strict=0.99)
    add_report(con, "github:near", text="SECRETNEAR", p_strict=0.51)
    add_report(con, "github:under", text="under", p_strict=0.49, is_strict=False)
    settle(con, ["github:far", "github:near"], {}, [])
    add_post(con, "github:rejected", kept=False)
    draw(con, 5, seed=1, run_id=RUN, now=NOW)
    assert write_review_file(con, db, as_report) == 3
    assert review_file(db).stat().st_mode & 0o777 == 0o600
    assert not [name for name in tmp_path.iterdir() if name.name.startswith(".x.review")]
    with open_review(db) as review:
        asked = items(review)
        assert scalar(review, "SELECT count(*) FROM reports WHERE author_key IS NOT NULL") == 0
    assert [item.question for item in asked] == ["label", "label", "audit"]
    assert asked[-1].shown.title == "a rejected post"
    # The audit is blind, and says its probability to nobody but the decision.
    assert (asked[-1].label, asked[-1].reasons, asked[-1].inclusion_p) == ({}, ("drawn at random",), 1.0)
    content = review_file(db).read_bytes()
    assert b"SECRETNEAR" in content
    assert b"SECRETFAR" not in content
    # What is purged from the working file is gone from the next one.
    con.execute("UPDATE reports SET title = '', text = '' WHERE report_id = 'github:near'")
    con.execute("DELETE FROM raw_items")
    write_review_file(con, db, as_report)
    assert b"SECRETNEAR" not in review_file(db).read_bytes()


def test_without_a_queue_one_is_told_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match="offscript publish"), open_review(tmp_path / "x.duckdb"):
        pass


def queue(con: duckdb.DuckDBPyConnection, db: Path) -> list[Any]:
    write_review_file(con, db, as_report)
    with open_review(db) as review:
        return items(review)


def names(found: list[Any]) -> set[str]:
    return {item.shown.report_id for item in found}


def test_a_second_is_asked_about_some_and_a_third_where_two_differ(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    for number in range(40):
        add_report(con, f"github:{number}", text="told", p_strict=0.4 + number / 400, is_strict=number >= 20)
    asked = queue(con, tmp_path / "x.duckdb")
    assert len(waiting(asked, [], "ab")) == len(asked) == 40
    agreed: list[Decision] = [one for item in asked for one in item.answer("a", reviewer="ab")]
    assert waiting(asked, agreed, "ab") == []
    twice = waiting(asked, agreed, "cd")
    assert names(twice) == {item.shown.report_id for item in asked if item.second_reading} != set()
    assert len(twice) < 20
    other = [one for item in twice for one in item.answer("7", reviewer="cd")]
    assert names(waiting(asked, agreed + other, "ef")) == names(twice)
    third = [one for item in twice for one in item.answer("7", reviewer="ef")]
    assert waiting(asked, agreed + other + third, "gh") == []
    pairs = both_read(agreed + other)
    assert len(pairs["kind"]) == len(twice)
    assert {pair[1] for pair in pairs["kind"]} == {"other"}
    # Once merged, the next queue asks a third about them and nobody about the rest.
    merge(con, TABLES["reviews"], [one.model_dump() for one in agreed + other])
    again = queue(con, tmp_path / "x.duckdb")
    assert {item.shown.report_id for item in again if "reviewers disagree" in item.reasons} == names(twice)
    assert names(waiting(again, agreed + other, "ef")) == names(twice)
    with open_review(tmp_path / "x.duckdb") as review:
        told = {outcome for (outcome,) in review.execute("SELECT outcome FROM decision_outcomes").fetchall()}
        assert told == {"applied", "disputed"}
        settled = next(item.shown.report_id for item in asked if not item.second_reading)
        assert scalar(review, "SELECT text FROM reports WHERE report_id = ?", [settled]) == ""


def test_keys_write_what_they_say(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    add_report(con, "github:1", text="told", p_strict=0.51)
    add_report(con, "github:2", text="told", p_strict=0.49, is_strict=False)
    item = next(one for one in queue(con, tmp_path / "x.duckdb") if one.shown.report_id == "github:1")

    def said(key: str) -> tuple[str | None, ...]:
        return tuple(one.decided_value for one in item.answer(key, reviewer="ab"))

    assert said("a") == ("first_hand", "true")
    assert said("2") == ("second_hand", "true")
    assert said("5") == ("ordinary_failure", "false")
    assert said("8") == ("first_hand", "false")
    with pytest.raises(ValueError, match="answers nothing"):
        said("y")
    assert all(one.expected_text_hash == "h" for one in item.answer("a", reviewer="ab"))
