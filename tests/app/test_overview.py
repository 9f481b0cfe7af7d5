"""The overview shows what its snapshot holds, no more; where there is nothing to show it says so plainly."""

import html
import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app.queries.overview import load
from tests.app.snapshots import CASES, Case, publish
from warehouse.connect import CURRENT, connect_snapshot, find_snapshot, snapshot_folder
from warehouse.present.wording import faults
from warehouse.rows import fetch, scalar

MAIN = Path(__file__).resolve().parents[2] / "app" / "main.py"
_TAG = re.compile(r"<[^>]+>")


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AppTest:
    """The app, not yet run, on a working file that does not exist."""
    monkeypatch.setenv("OFFSCRIPT_DB", str(tmp_path / "offscript.duckdb"))
    return AppTest.from_file(str(MAIN), default_timeout=60)


def blocks(page: AppTest, *, sentences: bool = False) -> list[str]:
    """Return the text of every HTML block and heading on the page, as a reader sees it; or without the tables."""
    found = [element.value for element in (*page.title, *page.header, *page.subheader, *page.code)]
    for element in page.get("html"):
        body = element.proto.body
        # A table of data has its interval and counts in columns of their own.
        if not body.startswith("<style>") and not (sentences and 'role="region"' in body):
            found.append(html.unescape(_TAG.sub(" ", body)))
    return [re.sub(r"\s+", " ", text).strip() for text in found]


def run(page: AppTest) -> str:
    """Run the page, check that nothing broke, and return all its text."""
    page.run()
    assert not page.exception
    return " \n".join(blocks(page))


def test_figures_are_those_of_the_snapshot(page: AppTest, tmp_path: Path) -> None:
    db = publish(tmp_path)
    text = run(page)
    con = connect_snapshot(find_snapshot(db))
    incidents = scalar(con, "SELECT count(*) FROM incidents WHERE is_strict")
    reports = scalar(con, "SELECT count(*) FROM incident_reports")
    posts = scalar(con, "SELECT sum(n) FROM funnel WHERE step = 'posts'")
    assert f"{reports} public reports tell of {incidents} incidents" in text
    assert "between January 2026 and March 2026" in text
    assert f"{posts} posts read" in text
    for row in fetch(con, "SELECT step, sum(n) AS n FROM funnel WHERE step_order < 6 GROUP BY step"):
        assert re.search(rf"{row['step']} \d+ \d+ {row['n']}\b", text)
    # Six incidents on two platforms, one on both: five and two, and six in all.
    assert "strict incidents 5 2 6" in text
    chart = {
        (row["month"], row["series"]): row["incidents"]
        for row in _monthly_rows(db)
        if row["incidents"] and row["series"] == "Shutdown tampering"
    }
    expected = fetch(
        con,
        "SELECT strftime(first_reported_at, '%Y-%m') AS month, count(*) AS n FROM incidents "
        "WHERE is_strict AND list_contains(behaviours_present, 'shutdown_tampering') GROUP BY 1",
    )
    assert chart == {(row["month"], "Shutdown tampering"): row["n"] for row in expected}
    con.close()


def _monthly_rows(db: Path) -> tuple[dict[str, object], ...]:
    from warehouse.present.charts import monthly_by_behaviour

    found = load(find_snapshot(db))
    figure = monthly_by_behaviour(found.series, snapshot=found.snapshot)
    assert figure is not None
    return tuple(figure.rows)


def test_a_collection_has_counts_and_no_ratio(page: AppTest, tmp_path: Path) -> None:
    publish(tmp_path)
    text = run(page)
    assert "A collection, not a measurement" in text
    assert "Ratio: not computable, because nobody knows" in text
    assert "cannot be told from these reports" in text
    assert "1.7 and 1.3" in text
    assert "4.91 95 % exact interval 3.75–6.51; n = 65 and 319 incidents a month" in text


def test_the_controls_can_be_divided_out(page: AppTest, tmp_path: Path) -> None:
    publish(tmp_path)
    page.query_params["controls"] = "divided out"
    run(page)
    told = page.get("vega_lite_chart")[0].proto.alt
    assert "Published, over posts on the subject: 2.89 (interval not computable)" in told
    assert "Published, over negative talk about AI: 3.78 (interval not computable)" in told
    assert "Ours" not in told


def test_the_instrument_states_its_measured_quality(page: AppTest, tmp_path: Path) -> None:
    publish(tmp_path)
    text = run(page)
    assert "(precision) 0.81 0.74–0.87 210 1.00 (no difference met), n 190" in text
    assert "(recall) 0.62 0.55–0.69 210 0.97 (0.91–1.00), n 190" in text
    assert "Alignment faking: F1 not computable insufficient 210 insufficient, n 190" in text
    assert "language models working by a public codebook, not people" in text
    assert "fewer of the flagged are right" in text


def test_a_chosen_record_says_that_it_was_chosen(page: AppTest, tmp_path: Path) -> None:
    publish(tmp_path, coverage="curated")
    assert "chosen by hand" in run(page)


def test_a_measurement_has_a_ratio_with_its_interval(page: AppTest, tmp_path: Path) -> None:
    cases = [Case("2026-01", ("shutdown_tampering",))] * 4 + [Case("2026-02")] * 6 + [Case("2026-03")] * 12
    publish(tmp_path, cases, coverage="read")
    text = run(page)
    assert "Strict incidents went from 4 in January 2026 to 12 in March 2026" in text
    assert "no clear change, ratio 3.00, 95 % exact interval 0.91–12.8; n = 4 and 12 incidents a month" in text
    assert "Over-dispersed 0.44–20.6 at dispersion 2.9" in text
    assert "A collection, not a measurement" not in text


def test_everything_printed_keeps_the_rules(page: AppTest, tmp_path: Path) -> None:
    for name, coverage in (("20260401T000000Z-aaaaaaaa", "unknown"), ("20260402T000000Z-bbbbbbbb", "read")):
        publish(tmp_path, coverage=coverage, snapshot=name)
        run(page)
        assert {text: faults(text) for text in blocks(page, sentences=True) if faults(text)} == {}


def test_charts_have_text_alternatives_and_downloads(page: AppTest, tmp_path: Path) -> None:
    publish(tmp_path)
    run(page)
    charts = page.get("vega_lite_chart")
    assert len(charts) == 3
    assert "All strict incidents: 6 in all, most in 2026-03 (3)" in charts[1].proto.alt
    assert all(chart.proto.alt for chart in charts)
    assert len(page.get("download_button")) == 9


def test_cases_come_strongest_first_and_inert(page: AppTest, tmp_path: Path) -> None:
    publish(tmp_path)
    text = run(page)
    assert re.findall(r"№ (\d+)", text) == ["3", "6", "1", "5", "4", "2"]
    bodies = "".join(element.proto.body for element in page.get("html"))
    assert "<mark>deleted</mark>" in bodies
    assert "<img" not in bodies
    assert "javascript:" not in re.sub(r"&#\d+;", "", bodies)
    assert not re.search("[\u200b-\u200f\u202a-\u202e\u2066-\u2069]", html.unescape(bodies))
    assert bodies.count("no public address") == 1
    assert 'href="https://github.com/o/r/issues/1"' in bodies
    # A platform whose terms forbid it shows no word, and the page says why.
    assert bodies.count("<blockquote>") == 5
    assert "leave only the link" in text


def test_a_new_snapshot_appears_and_the_old_page_stays_whole(page: AppTest, tmp_path: Path) -> None:
    db = publish(tmp_path)
    before = load(find_snapshot(db))
    assert "of 6 incidents" in run(page)
    publish(tmp_path, CASES[:2], snapshot="20260402T000000Z-bbbbbbbb")
    text = run(page)
    assert "of 2 incidents" in text
    assert "20260401T000000Z-aaaaaaaa" not in text
    assert before.incidents == 6
    assert load(find_snapshot(db)) is load(find_snapshot(db))


def test_no_snapshot(page: AppTest, tmp_path: Path) -> None:
    text = run(page)
    assert "No snapshot yet" in text
    assert f"offscript run --sample --db {tmp_path / 'offscript.duckdb'}" in text


def test_an_empty_warehouse(page: AppTest, tmp_path: Path) -> None:
    publish(tmp_path, ())
    assert "The warehouse is empty" in run(page)


def test_one_report(page: AppTest, tmp_path: Path) -> None:
    publish(tmp_path, CASES[:1])
    text = run(page)
    assert "1 public report tells of 1 incident in which" in text
    assert "reported in January 2026;" in text


def test_posts_without_any_incident(page: AppTest, tmp_path: Path) -> None:
    db = publish(tmp_path, (), coverage="read")
    _execute(db, "UPDATE funnel SET n = 20 WHERE step = 'posts'")
    text = run(page)
    assert "No strict incident is in this snapshot" in text
    assert "posts 20 20 40" in text


def _execute(db: Path, sql: str) -> None:
    import duckdb

    con = duckdb.connect(str(find_snapshot(db).path))
    con.execute(sql)
    con.close()


@pytest.mark.parametrize("damage", ("cut", "garbage", "gone", "other"))
def test_a_corrupt_snapshot(page: AppTest, tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture) -> None:
    db = publish(tmp_path)
    path = find_snapshot(db).path
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:20_000])
    elif damage == "garbage":
        path.write_bytes(b"not a database" * 1000)
    elif damage == "gone":
        path.unlink()
    else:
        path.unlink()
        (snapshot_folder(db) / CURRENT).unlink()
        (snapshot_folder(db) / CURRENT).symlink_to(path.name)
        import duckdb

        duckdb.connect(str(path)).close()
    text = run(page)
    assert "This snapshot cannot be read" in text
    assert "20260401T000000Z-aaaaaaaa" in text
    assert "Traceback" not in text
    # What is wrong is for the operator's log.
    assert [record.name for record in caplog.records if record.levelname == "ERROR"] == ["offscript"]
