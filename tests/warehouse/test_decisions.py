"""Decisions: kept whole through kills and by two writers, merged once, in force by one rule in SQL and in Python."""

import json
import multiprocessing
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.warehouse.builders import NOW, add_report, warehouse
from warehouse.migrate import migrate
from warehouse.review.decisions import (
    Decision,
    append,
    decide,
    decisions_file,
    in_force,
    merge_decisions,
    pending,
    read,
    undo,
)
from warehouse.rows import merge
from warehouse.schema.tables import TABLES


def kind(
    value: str = "discussion", reviewer: str = "ab", of: str = "github:a", text: str = "h", **more: Any
) -> Decision:
    return decide(of, "kind", value, reviewer=reviewer, expected_text_hash=text, **more)


def test_a_line_cut_by_a_kill_is_named_and_nothing_else_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "x.reviews.jsonl"
    first, second, third = kind(), kind(of="github:b"), kind(of="github:c")
    append(path, [first])
    whole = path.read_bytes()
    for cut in range(1, len(second.model_dump_json())):
        path.write_bytes(whole + second.model_dump_json().encode()[:cut])
        found, bad = read(path)
        assert found == [first]
        assert [line.line for line in bad] == [2]
        append(path, [third])
        found, bad = read(path)
        assert found == [first, third]
        assert [line.line for line in bad] == [2]


def test_the_file_is_private_and_only_grows(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "x.reviews.jsonl"
    append(path, [kind()])
    before = path.read_bytes()
    append(path, [kind(of="github:b")])
    assert path.read_bytes().startswith(before)
    assert path.stat().st_mode & 0o777 == 0o600


def _write(path: str, reviewer: str) -> None:
    for number in range(40):
        append(Path(path), [kind(of=f"github:{number}", reviewer=reviewer, review_reason="x" * 2000)])


def test_two_writers_do_not_mix_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "x.reviews.jsonl"
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=_write, args=(str(path), name)) for name in ("ab", "cd")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    found, bad = read(path)
    assert (len(found), bad) == (80, [])


def test_merging_twice_changes_nothing_and_bad_lines_are_set_aside_once(tmp_path: Path) -> None:
    db = tmp_path / "x.duckdb"
    path = decisions_file(db)
    good = kind()
    append(path, [good])
    odd = json.loads(good.model_dump_json())
    lines = [
        b"{",
        b"\xff\xfe",
        json.dumps({**odd, "review_id": "other", "decided_value": "no such kind"}).encode(),
        json.dumps({**odd, "decided_value": "other"}).encode(),
        json.dumps({**odd, "review_id": "third", "reviewed_at": "2026-11-21T10:00:00"}).encode(),
    ]
    with path.open("ab") as file:
        file.write(b"\n".join(lines))
    with warehouse(db) as con:
        assert pending(con, path) == 1
        first = merge_decisions(con, path, run_id="r")
        again = merge_decisions(con, path, run_id="r2")
        append(path, [kind(of="github:b")])
        more = merge_decisions(con, path, run_id="r3")
        rejects = con.execute("SELECT file, line, reject_reason FROM rejects ORDER BY line").fetchall()
        assert con.execute("SELECT count(*) FROM reviews").fetchall() == [(2,)]
    assert (first.new, first.set_aside) == (1, 5)
    assert (again.new, again.set_aside) == (0, 0)
    assert (more.new, more.set_aside) == (1, 0)
    assert [row[1:] for row in rejects] == [
        (2, "not_json"),
        (3, "encoding"),
        (4, "not_a_decision"),
        (5, "not_a_decision"),
        (6, "not_a_decision"),
    ]
    assert {row[0] for row in rejects} == {path.name}


@pytest.mark.parametrize(
    ("of", "what", "value", "told"),
    [
        ("github:a", "kind", "nonsense", "none of first_hand"),
        ("github:a", "evidence", "5", "none of 0"),
        ("github:a", "behaviours", '["nonsense"]', "JSON list"),
        ("github:a", "is_strict", "yes", "none of true"),
        ("github:a", "status", "confirmed", "incident:NUMBER"),
        ("incident:1", "kind", "discussion", "of a report"),
        ("incident:1", "status", "sure", "none of reported"),
        ("incident:1", "split", '[["a"]]', "two or more"),
        ("incident:1", "split", '[["a"], ["a"]]', "one list only"),
        ("incident:1", "archived_url", "javascript:alert(1)", "http"),
        ("incident:1", "occurred_at", "last week", "a year, month or day"),
        ("github:a", "same", "github:a", "not compared with itself"),
        ("github:a", "nonsense", "x", "none of kind"),
    ],
)
def test_what_cannot_be_decided_is_refused_in_words(of: str, what: str, value: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        decide(of, what, value, reviewer="ab", expected_text_hash="h")


def test_a_name_a_guard_and_a_probability_are_asked_for() -> None:
    with pytest.raises(ValueError, match="short name"):
        decide("github:a", "kind", "other", reviewer="<b>", expected_text_hash="h")
    with pytest.raises(ValueError, match="expected_text_hash"):
        decide("github:a", "kind", "other", reviewer="ab")
    with pytest.raises(ValueError, match="probability of its draw"):
        decide("github:a", "is_strict", "true", reviewer="ab", expected_text_hash="h", draw_reason="audit")
    with pytest.raises(ValueError, match="answered by is_strict"):
        kind(draw_reason="audit", inclusion_p=0.1)
    taken_back = undo(kind(), reviewer="ab")
    with pytest.raises(ValueError, match="decide anew"):
        undo(taken_back, reviewer="ab")


def test_equal_answers_are_equal_values() -> None:
    one, other = (
        decide("github:a", "behaviours", given, reviewer="ab", expected_text_hash="h").decided_value
        for given in (["shutdown_tampering", "alignment_faking"], ["alignment_faking", "shutdown_tampering"])
    )
    assert one == other == '["alignment_faking", "shutdown_tampering"]'
    pair = decide("github:b", "same", "github:a", reviewer="ab")
    assert (pair.review_of, pair.decided_value) == ("github:a", "github:b")


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["ab", "cd"]),
        st.sampled_from(["kind", "is_strict", "audit", "same", "not_same", "undo"]),
        st.sampled_from(["github:a", "github:b"]),
        st.integers(0, 9),
    ),
    max_size=12,
)


@given(STEPS)
def test_what_is_in_force_is_the_same_in_sql_and_in_python(steps: list[tuple[str, str, str, int]]) -> None:
    made: list[Decision] = []
    for second, (reviewer, what, of, pick) in enumerate(steps):
        if what == "undo":
            if not made:
                continue
            target = made[pick % len(made)]
            if target.decision == "undo":
                continue
            new = undo(target, reviewer=reviewer)
        elif what in {"same", "not_same"}:
            new = decide(of, what, "github:c", reviewer=reviewer)
        elif what == "kind":
            new = kind(["other", "research"][pick % 2], reviewer, of)
        else:
            share = {"draw_reason": "audit", "inclusion_p": 0.5} if what == "audit" else {}
            value = "true" if pick % 2 else "false"
            new = decide(of, "is_strict", value, reviewer=reviewer, expected_text_hash="h", **share)  # type: ignore[arg-type]
        made.append(new.model_copy(update={"reviewed_at": NOW + timedelta(seconds=second)}))
    with duckdb.connect() as con:
        migrate(con)
        merge(con, TABLES["reviews"], [one.model_dump() for one in made])
        held = {name for (name,) in con.execute("SELECT review_id FROM decisions").fetchall()}
    assert held == {one.review_id for one in in_force(made)}
    assert held == {one.review_id for one in in_force(reversed(made))}


LABEL = "SELECT kind, is_strict, behaviours_present, evidence, decided FROM current_labels WHERE report_id = 'github:a'"
AS_JUDGED: tuple[Any, ...] = ("first_hand", True, ["shutdown_tampering"], 2, [])


def store(con: duckdb.DuckDBPyConnection, *decisions: Decision) -> None:
    merge(con, TABLES["reviews"], [one.model_dump() for one in decisions])


@pytest.fixture
def con(tmp_path: Path, place: str) -> Any:
    with warehouse(tmp_path / "x.duckdb") as opened:
        add_report(opened, "github:a")
        yield opened


def outcomes(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    return dict(con.execute("SELECT reviewer, outcome FROM decision_outcomes").fetchall())


def test_a_correction_is_laid_over_the_label_and_shows_whose_it_is(con: duckdb.DuckDBPyConnection) -> None:
    assert con.execute(LABEL).fetchone() == AS_JUDGED
    made = kind("discussion")
    graded = decide("github:a", "behaviours", [], reviewer="ab", expected_text_hash="h")
    store(con, made, graded)
    # Strictness follows from the kind where nobody decided it.
    assert con.execute(LABEL).fetchone() == ("discussion", False, [], 2, ["behaviours", "kind"])
    assert con.execute("SELECT kind, is_strict FROM labels").fetchone() == ("first_hand", True)
    store(con, undo(made, reviewer="cd"), undo(graded, reviewer="cd"))
    assert con.execute(LABEL).fetchone() == AS_JUDGED


def test_a_correction_of_a_text_that_changed_is_flagged_and_not_applied(con: duckdb.DuckDBPyConnection) -> None:
    store(con, kind("discussion", text="an earlier text"))
    assert con.execute(LABEL).fetchone() == AS_JUDGED
    assert outcomes(con) == {"ab": "text_changed"}


def test_where_two_differ_nothing_is_applied_until_a_third_decides(con: duckdb.DuckDBPyConnection) -> None:
    store(con, kind("discussion", "ab"), kind("research", "cd"))
    assert con.execute(LABEL).fetchone() == AS_JUDGED
    assert outcomes(con) == {"ab": "disputed", "cd": "disputed"}
    store(con, kind("research", "ef"))
    assert con.execute(LABEL).fetchone() == ("research", False, ["shutdown_tampering"], 2, ["kind"])
    assert outcomes(con) == {"ab": "outvoted", "cd": "applied", "ef": "applied"}


def test_an_audit_answer_corrects_nothing(con: duckdb.DuckDBPyConnection) -> None:
    share = {"draw_reason": "audit", "inclusion_p": 0.01, "expected_text_hash": "h"}
    store(con, decide("github:a", "is_strict", "false", reviewer="ab", **share))  # type: ignore[arg-type]
    assert con.execute(LABEL).fetchone() == AS_JUDGED
    assert outcomes(con) == {"ab": "audit"}
    # Neither does a later correction by the same reviewer take the answer's place.
    store(con, decide("github:a", "is_strict", "true", reviewer="ab", expected_text_hash="h"))
    assert con.execute("SELECT count(*) FROM decisions WHERE draw_reason = 'audit'").fetchone() == (1,)


def test_the_file_is_never_a_link_to_elsewhere(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("")
    (tmp_path / "x.reviews.jsonl").symlink_to(target)
    with pytest.raises(OSError, match=r"symbolic|levels"):
        append(tmp_path / "x.reviews.jsonl", [kind()])
