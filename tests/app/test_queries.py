"""What the pages read: filters filter, each answer is read once, and twenty readers never see half a snapshot."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest

from app.keep import kept
from app.queries import behaviours, data, incident, incidents, methods, overview, trends
from app.queries.incidents import ORDERS, Choices, Found, Wanted
from tests.app.large import publish_large
from tests.app.snapshots import CASES, Case, publish
from warehouse.connect import Snapshot, WarehouseError, find_snapshot, snapshot_folder
from warehouse.publish import _point


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return find_snapshot(publish(tmp_path_factory.mktemp("warehouse")))


def _numbers(found: Found) -> list[int]:
    return [case.incident for case in found.cases]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    (
        (Wanted(), [6, 5, 4, 3, 2, 1]),
        (Wanted(behaviour="shutdown_tampering"), [3, 1]),
        (Wanted(agent="codex"), [6, 4, 3, 2, 1]),
        (Wanted(vendor="OpenAI", evidence=3), [6, 3, 1]),
        (Wanted(source="reddit"), [5, 2]),
        (Wanted(start="2026-02", end="2026-02"), [3]),
        (Wanted(words="Unnamed"), [5]),
        (Wanted(words="4"), [4]),
        (Wanted(words="deleted FOLDER"), [6, 4, 3, 2, 1]),
        (Wanted(words="100% _"), []),
        (Wanted(words="'; DROP TABLE incidents --"), []),
        (Wanted(gravity=3), []),
        (Wanted(status="withdrawn"), []),
        (Wanted(action="data_deletion", evidence=4), [3]),
    ),
)
def test_filters(snapshot: Snapshot, wanted: Wanted, expected: list[int]) -> None:
    found = incidents.page(snapshot, wanted, "newest", 1)
    assert _numbers(found) == expected
    assert found.total == len(expected)


def test_orders_are_whole_and_stable(snapshot: Snapshot) -> None:
    orders = {order: _numbers(incidents.page(snapshot, Wanted(), order, 1)) for order in ORDERS}
    assert {tuple(sorted(numbers)) for numbers in orders.values()} == {(1, 2, 3, 4, 5, 6)}
    assert orders["evidence"] == [3, 6, 1, 5, 4, 2]
    assert orders["most reports"][0] == 2


def test_a_page_holds_twenty_and_no_incident_is_lost_between_pages(tmp_path: Path) -> None:
    snapshot = find_snapshot(publish(tmp_path, [Case("2026-01")] * 28 + [Case("2026-02")] * 17))
    pages = [_numbers(incidents.page(snapshot, Wanted(), "evidence", number)) for number in (1, 2, 3, 4)]
    assert [len(page) for page in pages] == [20, 20, 5, 0]
    assert sorted(number for page in pages for number in page) == list(range(1, 46))


def test_echo_tells_retellings_from_first_reports(tmp_path: Path) -> None:
    db = publish(tmp_path, CASES[:2])
    con = duckdb.connect(str(find_snapshot(db).path))
    con.execute("UPDATE reports SET created_at = '2026-04-09' WHERE report_id = 'github:o/r:2'")
    con.close()
    rows = incidents.echo(find_snapshot(db), Wanted())
    assert rows == (
        {"month": "2026-01", "first_month": 2, "later": 0},
        {"month": "2026-04", "first_month": 0, "later": 1},
    )


def test_choices_are_those_of_the_snapshot(snapshot: Snapshot) -> None:
    expected = Choices(
        ("codex",),
        ("OpenAI",),
        ("data_deletion",),
        ("reported",),
        ("github", "reddit"),
        ("2026-01", "2026-02", "2026-03"),
    )
    assert incidents.choices(snapshot) == expected


def test_a_merged_number_leads_to_the_incident(tmp_path: Path) -> None:
    db = publish(tmp_path)
    con = duckdb.connect(str(find_snapshot(db).path))
    con.execute("UPDATE incident_reports SET incident = 1 WHERE incident = 6")
    con.execute("INSERT INTO merges VALUES (6, 1, '2026-04-01', 'a later report ties both', 'run')")
    con.close()
    found, kept_as = incident.read(find_snapshot(db), 6)
    assert (kept_as, found and found.number) == (1, 1)
    assert found is not None
    assert [item.report_id for item in found.reports] == ["github:o/r:1", "github:o/r:6"]
    assert found.merged[0]["from_incident"] == 6
    assert incident.read(find_snapshot(db), 99) == (None, None)


def test_a_matrix_counts_each_incident_under_each_behaviour_and_name(snapshot: Snapshot) -> None:
    rows = behaviours.matrix(snapshot, "agent", None)
    counts = {(row["name"], row["behaviour"]): row["incidents"] for row in rows}
    assert counts["codex", "shutdown_tampering"] == 2
    assert counts["codex", "strategic_misrepresentation"] == 2
    assert counts["none named", "none_marked"] == 1
    reddit = behaviours.matrix(snapshot, "vendor", "reddit")
    assert {(row["name"], row["behaviour"], row["incidents"]) for row in reddit} == {
        ("OpenAI", "strategic_misrepresentation", 1),
        ("none named", "none_marked", 1),
    }


def test_rare_names_stand_together_and_nothing_is_ranked(tmp_path: Path) -> None:
    many = [Case("2026-01", agents=(f"agent {number:02d}",)) for number in range(27)]
    rows = behaviours.matrix(find_snapshot(publish(tmp_path, [*many, many[3]])), "agent", None)
    names = [row["name"] for row in rows]
    assert names == [*sorted(names[:-1]), behaviours.OTHERS]
    assert sum(row["incidents"] for row in rows) == 28


def test_an_answer_is_read_once_however_many_wait() -> None:
    read: list[int] = []
    gate = threading.Event()

    @kept(2)
    def slow(number: int) -> int:
        gate.wait(10)
        read.append(number)
        return number

    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(slow, 1) for _ in range(8)]
        gate.set()
        assert [item.result() for item in waiting] == [1] * 8
    assert read == [1]
    assert [slow(2), slow(3), slow(1)] == [2, 3, 1]
    assert read == [1, 2, 3, 1]


def test_an_error_is_not_kept() -> None:
    calls: list[int] = []

    @kept(2)
    def failing() -> int:
        calls.append(1)
        if len(calls) == 1:
            raise WarehouseError
        return 7

    with pytest.raises(WarehouseError):
        failing()
    assert failing() == 7


def test_twenty_readers_while_snapshots_are_published(tmp_path: Path) -> None:
    """Each view is of one snapshot, old or new, and none fails."""
    sizes = {f"2026040{number}T000000Z-aaaaaaa{number}": number for number in range(1, 5)}
    for name, size in sizes.items():
        db = publish(tmp_path, CASES[:size], snapshot=name)
    _point(snapshot_folder(db), f"{next(iter(sizes))}.duckdb")
    stop, viewed = threading.Event(), threading.Semaphore(0)

    def view() -> tuple[str, set[int]]:
        found = find_snapshot(db)
        return found.id, {
            overview.load(found).incidents,
            incidents.page(found, Wanted(), "newest", 1).total,
            data.sizes(found)["incidents"],
            trends.series(found, "source", "normal", None, None).lines[0].total,
            sum(row["n"] for row in methods.funnel(found) if row["step"] == "strict incidents"),
            len(incidents.page(found, Wanted(), "evidence", 1).cases),
        }

    def read() -> list[tuple[str, set[int]]]:
        seen = []
        while not stop.is_set():
            seen.append(view())
            viewed.release()
        return seen

    with ThreadPoolExecutor(20) as pool:
        readers = [pool.submit(read) for _ in range(20)]
        for name in list(sizes)[1:]:
            for _ in range(20):
                viewed.acquire(timeout=60)
            _point(snapshot_folder(db), f"{name}.duckdb")
        stop.set()
        seen = [found for reader in readers for found in reader.result()]
    assert {name for name, _ in seen} <= set(sizes)
    assert all(counts == {sizes[name]} for name, counts in seen)


def test_a_large_snapshot_has_the_figures_it_was_made_with(tmp_path: Path) -> None:
    snapshot = find_snapshot(publish_large(tmp_path, posts=20_000, incidents=500))
    found = incidents.page(snapshot, Wanted(), "newest", 2)
    assert (found.total, found.reports, len(found.cases)) == (500, 650, 20)
    assert trends.series(snapshot, None, "normal", None, None).lines[0].total == 500
    assert json.dumps(data.sizes(snapshot)["reports"]) == "2000"
