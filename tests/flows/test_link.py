"""Linking in the warehouse: the index, groups around a change, decisions, and that order and repetition change nothing."""

import json
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner

from flows import link
from flows.cli import main
from tests.classifiers.test_link import LONG, RETOLD, Hashed
from tests.warehouse.builders import add_report, warehouse
from tests.warehouse.trend_builders import decide
from warehouse import linking
from warehouse.checks import run_checks
from warehouse.connect import open_working
from warehouse.review.decisions import append, decisions_file
from warehouse.review.decisions import decide as decided
from warehouse.rows import scalar
from warehouse.schema.models import Linkable
from warehouse.schema.tables import TABLES

START = datetime(2026, 3, 1, tzinfo=UTC)
SETTINGS = ("tight", "normal", "loose")


@pytest.fixture
def con(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with warehouse(tmp_path / "x.duckdb") as opened:
        yield opened


def add(con: duckdb.DuckDBPyConnection, reports: Sequence[Linkable], **label: Any) -> None:
    for report in reports:
        name = report.id if ":" in report.id else f"reddit:{report.id}"
        add_report(con, name, title=report.title, text=report.text, at=report.created_at, **label)


def parts(con: duckdb.DuckDBPyConnection, setting: str = "normal") -> set[frozenset[str]]:
    groups = defaultdict(set)
    for report, key in con.execute("SELECT report_id, group_key FROM groupings WHERE merge = ?", [setting]).fetchall():
        groups[key].add(report.removeprefix("reddit:"))
    return {frozenset(group) for group in groups.values()}


def numbered(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    rows = con.execute("SELECT report_id, incident FROM incident_reports").fetchall()
    return {report.removeprefix("reddit:"): number for report, number in rows}


def run(con: duckdb.DuckDBPyConnection) -> int:
    opened = link.link(con, Hashed(), run_id="run")
    assert run_checks(con) == []
    consistent(con)
    return opened


def consistent(con: duckdb.DuckDBPyConnection) -> None:
    """Counts equal members, numbers equal groups, and history tells of today what the tables tell."""
    numbers = numbered(con)
    assert {frozenset(r for r in numbers if numbers[r] == n) for n in numbers.values()} == parts(con)
    counted = dict(con.execute("SELECT incident, reports FROM incidents WHERE reports > 0").fetchall())
    assert counted == {n: sum(held == n for held in numbers.values()) for n in numbers.values()}
    members = con.execute("SELECT report_id, incident FROM members_as_of(now()) ORDER BY ALL").fetchall()
    assert members == con.execute("SELECT report_id, incident FROM incident_reports ORDER BY ALL").fetchall()
    told = con.execute(
        "SELECT incident, redirects_to FROM incidents_as_of(now()) WHERE redirects_to IS NOT NULL ORDER BY ALL"
    ).fetchall()
    assert told == con.execute("SELECT from_incident, into_incident FROM merges ORDER BY ALL").fetchall()


def everything(con: duckdb.DuckDBPyConnection) -> dict[str, list[Any]]:
    return {
        name: con.execute(f"SELECT * FROM {name} ORDER BY ALL").fetchall()
        for name, table in TABLES.items()
        if table.working
    }


def test_relinking_changes_nothing(con: duckdb.DuckDBPyConnection) -> None:
    add(con, RETOLD)
    assert run(con) > 0
    before = everything(con)
    assert run(con) == 0
    assert everything(con) == before


@pytest.mark.parametrize("seed", range(3))
def test_order_of_arrival_changes_no_group(con: duckdb.DuckDBPyConnection, tmp_path: Path, seed: int) -> None:
    reports = [*RETOLD, *(Linkable(id=f"c{n}", title="", text=LONG, created_at=START + timedelta(n)) for n in range(4))]
    add(con, reports)
    run(con)
    random.Random(seed).shuffle(reports)
    with warehouse(tmp_path / "y.duckdb") as other:
        for report in reports:
            add(other, [report])
            run(other)
        for setting in SETTINGS:
            assert parts(other, setting) == parts(con, setting)


def test_a_report_whose_text_changes_is_linked_anew(con: duckdb.DuckDBPyConnection) -> None:
    copies = [Linkable(id=name, title="", text=LONG, created_at=START + timedelta(n)) for n, name in enumerate("ab")]
    add(con, copies)
    run(con)
    assert parts(con) == {frozenset("ab")}
    con.execute("UPDATE reports SET text = 'It was only a test.', text_hash = 'h2' WHERE report_id = 'reddit:b'")
    con.execute("UPDATE labels SET text_hash = 'h2' WHERE report_id = 'reddit:b'")
    run(con)
    assert parts(con) == {frozenset("a"), frozenset("b")}
    assert numbered(con) == {"a": 1, "b": 2}


def test_who_is_no_longer_strict_leaves_its_group_and_keeps_its_number(con: duckdb.DuckDBPyConnection) -> None:
    add(con, [Linkable(id=name, title="", text=LONG, created_at=START) for name in "ab"])
    run(con)
    con.execute("UPDATE labels SET is_strict = false, score = 3 WHERE report_id = 'reddit:b'")
    link.link(con, Hashed(), run_id="run")
    assert parts(con) == {frozenset("a")}
    assert numbered(con) == {"a": 1, "b": 1}
    assert run_checks(con) == []


def test_not_the_same_parts_even_copies_under_every_setting_and_undo_gives_the_count_back(
    con: duckdb.DuckDBPyConnection,
) -> None:
    add(con, [Linkable(id=name, title="", text=LONG, created_at=START + timedelta(n)) for n, name in enumerate("abc")])
    run(con)
    assert numbered(con) == {"a": 1, "b": 1, "c": 1}
    decide(con, 1, "reddit:b", "not_same", "reddit:a")
    run(con)
    for setting in SETTINGS:
        assert frozenset("ab") not in {group & frozenset("ab") for group in parts(con, setting)}
    assert numbered(con)["a"] == 1
    assert numbered(con)["b"] == 2
    decide(con, 2, "reddit:b", "undo", "", undoes="r1")
    run(con)
    assert numbered(con) == {"a": 1, "b": 1, "c": 1}
    assert con.execute("SELECT from_incident, into_incident FROM merges").fetchall() == [(2, 1)]
    # Decided again: the number that redirects is given back, and none is new.
    decide(con, 3, "reddit:a", "not_same", "reddit:b")
    assert run(con) == 0
    assert numbered(con)["b"] == 2
    assert con.execute("SELECT count(*) FROM merges").fetchall() == [(0,)]
    log = [row[0] for row in con.execute("SELECT correction FROM corrections ORDER BY corrected_at").fetchall()]
    assert {"not_same", "undo", "split", "merged", "reopened"} <= set(log)


def test_the_same_joins_and_its_undo_gives_the_old_number_back(con: duckdb.DuckDBPyConnection) -> None:
    add(con, [RETOLD[0], RETOLD[3]])
    run(con)
    assert numbered(con) == {"w1": 1, "v1": 2}
    decide(con, 1, "reddit:v1", "same", "reddit:w1")
    run(con)
    assert numbered(con) == {"w1": 1, "v1": 1}
    for setting in SETTINGS:
        assert parts(con, setting) == {frozenset({"w1", "v1"})}
    assert con.execute("SELECT link_method FROM incident_reports WHERE report_id = 'reddit:v1'").fetchall() == [
        ("review",)
    ]
    decide(con, 2, "reddit:v1", "undo", "", undoes="r1")
    assert run(con) == 0
    assert numbered(con) == {"w1": 1, "v1": 2}
    assert con.execute("SELECT count(*) FROM merges").fetchall() == [(0,)]


def test_a_split_gives_new_numbers_and_its_undo_redirects_them(con: duckdb.DuckDBPyConnection) -> None:
    add(con, [Linkable(id=name, title="", text=LONG, created_at=START + timedelta(n)) for n, name in enumerate("abcd")])
    run(con)
    now = datetime.now(UTC)
    lists = json.dumps([["reddit:b", "reddit:c"], ["reddit:d"]])
    decide(con, 1, "incident:1", "split", lists, reviewed_at=now)
    run(con)
    assert numbered(con) == {"a": 1, "b": 2, "c": 2, "d": 3}
    notes = con.execute(
        "SELECT other_incident, reason FROM incident_changes WHERE change = 'split' ORDER BY 1"
    ).fetchall()
    assert notes == [(2, "a decision"), (3, "a decision")]
    decide(con, 2, "incident:1", "undo", "", undoes="r1", reviewed_at=now + timedelta(seconds=1))
    run(con)
    assert set(numbered(con).values()) == {1}
    assert con.execute("SELECT from_incident, into_incident FROM merges ORDER BY 1").fetchall() == [(2, 1), (3, 1)]


def test_linking_alone_takes_decisions_in_too(tmp_path: Path) -> None:
    db = tmp_path / "x.duckdb"
    with warehouse(db) as con:
        add(
            con,
            [Linkable(id=name, title="", text=LONG, created_at=START + timedelta(n)) for n, name in enumerate("ab")],
        )
        run(con)
    append(decisions_file(db), [decided("reddit:b", "not_same", "reddit:a", reviewer="ab")])
    done = CliRunner().invoke(main, ["link-pending", "--db", str(db)])
    assert "1 decisions taken in, 1 new incidents" in done.output
    with open_working(db) as con:
        assert numbered(con) == {"a": 1, "b": 2}


def test_of_contradicting_decisions_the_later_one_holds(con: duckdb.DuckDBPyConnection) -> None:
    add(con, [Linkable(id=name, title="", text=LONG, created_at=START) for name in "ab"])
    decide(con, 1, "reddit:a", "same", "reddit:b")
    decide(con, 2, "reddit:b", "not_same", "reddit:a", reviewer="cd")
    run(con)
    assert parts(con) == {frozenset("a"), frozenset("b")}


def test_a_decision_that_cannot_be_read_decides_nothing(con: duckdb.DuckDBPyConnection) -> None:
    add(con, RETOLD[:1])
    decide(con, 1, "incident:1", "split", "{broken")
    decide(con, 2, "incident:one", "split", "[]")
    decide(con, 3, "reddit:w1", "same", "reddit:w1")
    decide(con, 4, "incident:1", "status", "nonsense")
    decide(con, 5, "incident:1", "vendor_answer", "javascript:alert(1)")
    run(con)
    row = con.execute("SELECT incident_status, vendor_answer FROM incidents").fetchall()
    assert row == [("reported", None)]


@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_decided_and_taken_back_numbers_and_counts_agree(con: duckdb.DuckDBPyConnection, seed: int) -> None:
    draw = random.Random(seed)
    names = [f"n{n}" for n in range(8)]
    add(
        con,
        [
            Linkable(id=n, title="", text=LONG if k % 2 else "", created_at=START + timedelta(k))
            for k, n in enumerate(names)
        ],
    )
    run(con)
    start, given = numbered(con), set()
    for step in range(1, 13):
        left, right = draw.sample(names, 2)
        what = draw.choice(["same", "not_same", "split"])
        of, value = (
            (f"reddit:{left}", f"reddit:{right}") if what != "split" else (f"incident:{numbered(con)[left]}", "")
        )
        if what == "split":
            own = [name for name in names if numbered(con)[name] == numbered(con)[left]]
            value = json.dumps([[f"reddit:{name}" for name in own[: max(1, len(own) // 2)]]])
        decide(con, step, of, what, value, reviewed_at=datetime.now(UTC))
        run(con)
        given |= set(numbered(con).values())
    for step in range(1, 13):
        decide(con, 20 + step, "reddit:n0", "undo", "", undoes=f"r{step}", reviewed_at=datetime.now(UTC))
    run(con)
    assert numbered(con) == start
    assert scalar(con, "SELECT count(*) FROM incidents") >= len(given | set(start.values()))


def test_ten_thousand_copies_are_one_incident_and_leave_one_set_of_keys(con: duckdb.DuckDBPyConnection) -> None:
    add(con, [Linkable(id="first", title="", text=LONG, created_at=START)])
    con.execute(
        "INSERT INTO reports SELECT * EXCLUDE (n) REPLACE ('reddit:c' || lpad(n::VARCHAR, 5, '0') AS report_id, "
        "created_at + to_minutes(n::INT) AS created_at, 'https://example.org/c' || n AS url) "
        "FROM reports, range(1, 10000) t(n)"
    )
    con.execute(
        "INSERT INTO labels SELECT l.* REPLACE (r.report_id AS report_id) FROM labels l, reports r "
        "WHERE r.report_id LIKE 'reddit:c%'"
    )
    run(con)
    assert con.execute("SELECT reports, echo, sources, incident_status FROM incidents").fetchall() == [
        (10_000, 9_999, 1, "reported")
    ]
    assert scalar(con, "SELECT count(DISTINCT report_id) FROM blocking_keys") == 1


def test_templates_stay_apart_and_a_key_never_holds_many(con: duckdb.DuckDBPyConnection) -> None:
    words = ["ledger", "vents", "mailbox", "backup", "branch", "invoice", "robot", "printer", "wallet", "schedule"]
    draw = random.Random(0)
    reports = []
    for n in range(300):
        what = (
            f"It {draw.choice(['cleared', 'moved', 'sold'])} the {draw.choice(words)} and the {words[n % 10]} {n * 37}"
        )
        text = f"Deletion incident of this month. {what}. {LONG[60:200]}"
        reports.append(Linkable(id=f"t{n:03d}", title="", text=text, created_at=START + timedelta(hours=n)))
    add(con, reports)
    run(con)
    most = scalar(con, "SELECT max(n) FROM (SELECT count(*) AS n FROM blocking_keys GROUP BY block_key)")
    assert most <= 2 * linking.PER_KEY
    assert scalar(con, "SELECT max(n) FROM (SELECT count(*) AS n FROM links GROUP BY report_id)") <= 130


def test_a_bridging_post_joins_one_event_at_most(con: duckdb.DuckDBPyConnection) -> None:
    from classifiers.encoder import default_encoder

    bridge = f"Two stories in one: {RETOLD[1].text}. And then: {RETOLD[3].text}"
    add(con, [*RETOLD, Linkable(id="x", title="", text=bridge, created_at=START + timedelta(100))])
    link.link(con, default_encoder(), run_id="run")
    consistent(con)
    held = numbered(con)
    assert held["w1"] == held["w2"] != held["v1"]


def test_the_real_pools_are_linked_whole(shared: Path) -> None:
    """The labelled real posts: bounded candidates, every strict one numbered, largest groups few."""
    from classifiers.linking import cluster, find_links

    lines = (shared / "gold" / "real.jsonl").read_text("utf-8").splitlines()
    items = [json.loads(line) for line in lines]
    strict = [
        Linkable(
            id=str(item["id"]),
            title=item.get("title") or "",
            text=item.get("text") or "",
            created_at=None,
            url=item.get("url"),
        )
        for item in items
        if item.get("kind") in ("first_hand", "second_hand") and (item.get("score") or 0) >= 5
    ]
    links = find_links(strict, encoder=Hashed())
    ids = [report.id for report in strict]
    groups = [len(set(cluster(ids, links, setting).values())) for setting in ("tight", "normal", "loose")]
    assert groups == sorted(groups, reverse=True)
    assert groups[1] > 0.8 * len(ids)
