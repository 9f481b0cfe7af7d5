"""Each page, on each kind of warehouse: no stack trace, nothing hidden, nothing said without its support."""

import html
import re
from pathlib import Path

import duckdb
import pytest
from streamlit.testing.v1 import AppTest

from tests.app.hostile import MARKUP, publish_hostile
from tests.app.snapshots import CASES, Case, publish
from warehouse.connect import find_snapshot
from warehouse.present.wording import faults

PAGES = ("overview", "trends", "behaviours", "incidents", "incident", "sources", "methods", "data")
_TAG = re.compile(r"<[^>]+>")


@pytest.fixture(autouse=True)
def _db(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OFFSCRIPT_DB", str(tmp_path / "offscript.duckdb"))


def page(name: str, **parameters: str) -> AppTest:
    """Run a page at an address and check that nothing broke."""
    script = f"from app.frame import framed\nfrom app.views import {name}\nframed({name}.show)()"
    found = AppTest.from_string(script, default_timeout=60)
    for key, value in parameters.items():
        found.query_params[key] = value
    found.run()
    assert not found.exception
    return found


def bodies(found: AppTest) -> list[str]:
    return [element.proto.body for element in found.get("html")]


def said(found: AppTest) -> str:
    """Return a page's text as a reader sees it."""
    told = [element.value for element in (*found.title, *found.header, *found.subheader, *found.code)]
    return re.sub(r"\s+", " ", " \n".join([*told, *(html.unescape(_TAG.sub(" ", body)) for body in bodies(found))]))


@pytest.mark.parametrize("name", PAGES)
def test_every_page_keeps_the_rules_and_names_its_snapshot(tmp_path: Path, name: str) -> None:
    for snapshot, coverage in (("20260401T000000Z-aaaaaaaa", "unknown"), ("20260402T000000Z-bbbbbbbb", "read")):
        publish(tmp_path, coverage=coverage, snapshot=snapshot)
        found = page(name, incident="2")
        text = [html.unescape(_TAG.sub(" ", body)) for body in bodies(found) if 'role="region"' not in body]
        assert {part: faults(part) for part in text if faults(part)} == {}
        assert f"snapshot={snapshot}" in found.code[-1].value


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(
    "cases",
    ((), CASES[:1], (Case("2026-01"), Case("2026-01")), (Case("2026-01"), Case("2026-03"))),
    ids=("posts only", "one report", "one month", "one source"),
)
def test_small_warehouses_have_clear_pages(tmp_path: Path, name: str, cases: tuple[Case, ...]) -> None:
    db = publish(tmp_path, cases, coverage="read")
    con = duckdb.connect(str(find_snapshot(db).path))
    con.execute("UPDATE funnel SET n = 20 WHERE step = 'posts'")
    con.close()
    assert "Cite and check" in said(page(name, incident="1"))


@pytest.mark.parametrize("name", PAGES)
def test_without_a_whole_snapshot_every_page_says_so(tmp_path: Path, name: str) -> None:
    assert "No snapshot yet" in said(page(name))
    db = publish(tmp_path, ())
    assert "The warehouse is empty" in said(page(name))
    db = publish(tmp_path, snapshot="20260402T000000Z-bbbbbbbb")
    path = find_snapshot(db).path
    path.write_bytes(path.read_bytes()[:30_000])
    assert "This snapshot cannot be read" in said(page(name))


def test_damage_met_later_is_told_in_words_too(tmp_path: Path) -> None:
    db = publish(tmp_path)
    con = duckdb.connect(str(find_snapshot(db).path))
    con.execute("DROP TABLE daily_counts CASCADE")
    con.close()
    assert "This snapshot cannot be read" in said(page("trends"))


@pytest.mark.parametrize("name", PAGES)
def test_hostile_words_are_inert_on_every_page(tmp_path: Path, name: str) -> None:
    publish_hostile(tmp_path)
    found = page(name, incident="1", who="vendor", by="agent")
    everything = "".join(bodies(found))
    assert not re.search(r"<(img|script|iframe|svg|object|embed|form|link|meta)\b", everything)
    assert "javascript:" not in re.sub(r"&#\d+;", "", everything)
    assert all(href.startswith(("https://", "incident?", "incidents")) for href in _hrefs(everything))
    hidden = "[\u200b-\u200f\u202a-\u202e\u2066-\u2069]"
    assert not re.search(hidden, html.unescape(everything))
    assert not any(re.search(hidden, "".join(map(str, box.options))) for box in (*found.selectbox, *found.multiselect))
    # Markdown is never given words from outside.
    assert MARKUP[:10] not in "".join(element.value for element in found.markdown)


def _hrefs(text: str) -> list[str]:
    return [html.unescape(href) for href in re.findall(r'href="([^"]*)"', text)]


def test_a_view_is_an_address(tmp_path: Path) -> None:
    publish(tmp_path)
    assert "2 incidents, told in 2 reports" in said(page("incidents", behaviour="shutdown tampering"))
    assert re.findall(r"№ (\d+)", said(page("incidents", order="evidence", q="codex")))[:2] == ["3", "6"]
    assert "№ 5" in said(page("incidents", source="reddit", to="2026-03"))
    shown = page("trends", by="behaviour", merge="tight", axis="log")
    assert "Tight merging joins copies only" in said(shown)
    assert "Points on a log axis" in shown.get("vega_lite_chart")[0].proto.alt
    # What an address asks wrongly is not asked at all.
    assert "6 incidents, told in 7 reports" in said(page("incidents", behaviour="<b>", order="worst", evidence="9"))


def test_what_cannot_be_computed_says_why(tmp_path: Path) -> None:
    publish(tmp_path)
    assert "Rate: not computable Because nobody knows" in said(page("trends", measure="rate"))
    assert "Corrected counts: not computable, because no random audit" in said(page("trends", counts="corrected"))
    publish(tmp_path, coverage="read", snapshot="20260402T000000Z-bbbbbbbb")
    assert "no source has counted the posts" in said(page("trends", measure="control-adjusted"))
    assert "95 % exact interval" in said(page("trends"))


def test_events_are_drawn_and_listed_when_asked_for(tmp_path: Path) -> None:
    db = publish(tmp_path)
    with duckdb.connect(str(find_snapshot(db).path)) as con:
        con.execute(
            "INSERT INTO events (event_date, event_name, source_url) VALUES "
            "('2026-02-03', 'a model became available', 'https://example.org/e'), ('2019-01-01', 'long ago', NULL)"
        )
    assert "a model became available" not in said(page("trends"))
    shown = page("trends", events="shown")
    assert "a model became available 2026-02-03" in said(shown)
    assert "long ago" not in said(shown)
    assert "Marked: 2026-02 a model became available" in shown.get("vega_lite_chart")[0].proto.alt


def test_rates_and_corrected_figures_are_shown_where_they_are_computed(tmp_path: Path) -> None:
    db = publish(tmp_path, coverage="read")
    with duckdb.connect(str(find_snapshot(db).path)) as con:
        con.execute(f"INSERT INTO daily_volumes BY NAME {VOLUMES}")
        con.execute(
            "INSERT INTO fits (fit, merge, line_name, value, low, high, n, method) "
            "VALUES ('corrected_events', 'normal', 'all', 5.5, 3.25, 9.75, 120, 'difference estimator')"
        )
    rate = said(page("trends", measure="rate"))
    assert "Per 10,000 posts" in rate
    assert "2026-01 2 31,000 744 0.65" in rate
    adjusted = said(page("trends", measure="control-adjusted"))
    assert "names an agent github" in adjusted
    corrected = said(page("trends", counts="corrected"))
    assert "5.50 3.25 to 9.75 120" in corrected
    assert "no random audit" not in corrected


VOLUMES = """
    SELECT 'github' AS source, CAST(day AS DATE) AS day, 'normal' AS merge, 'names_an_agent' AS control,
           24 AS hours, CASE WHEN day < DATE '2026-02-01' THEN 1000.0 ELSE 2000.0 END AS volume,
           CASE WHEN day IN (DATE '2026-01-10', DATE '2026-01-11', DATE '2026-03-10', DATE '2026-03-11') THEN 1 ELSE 0 END
               AS incidents
    FROM generate_series(TIMESTAMP '2026-01-01', TIMESTAMP '2026-03-31', INTERVAL 1 DAY) AS days (day)
"""


def test_vendors_stand_within_one_source(tmp_path: Path) -> None:
    publish(tmp_path)
    vendors = page("behaviours", who="vendor")
    assert vendors.selectbox[0].options == ["github", "reddit"]
    assert "Vendors are shown within one source only" in said(vendors)
    assert "all sources" in page("behaviours").selectbox[0].options
    assert "Not comparable as rates" in said(vendors)


@pytest.mark.parametrize("asked", ("", "x", "-1", "0", "99", "١", "9" * 30, "1; DROP"))
def test_an_incident_that_is_not_there(tmp_path: Path, asked: str) -> None:
    publish(tmp_path)
    text = said(page("incident", incident=asked))
    assert "Which incident?" in text or "No incident" in text


def test_an_incident_tells_where_everything_comes_from(tmp_path: Path) -> None:
    publish(tmp_path)
    text = said(page("incident", incident="2"))
    for told in (
        "Incident № 2",
        "here because: opened it",
        "github:o/r:2",
        "reported: told in public",
        "score 6 of 9",
        "data (p 0.87)",
    ):
        assert told in text
    assert "Incident 2, Codex: data deletion. Offscript, open observatory" in text


def test_an_address_can_stay_with_its_snapshot(tmp_path: Path) -> None:
    publish(tmp_path, CASES[:2])
    publish(tmp_path, CASES, snapshot="20260402T000000Z-bbbbbbbb")
    text = said(page("incidents", snapshot="20260401T000000Z-aaaaaaaa"))
    assert "An earlier snapshot" in text
    assert "2 incidents, told in 3 reports" in text
    assert "no longer kept here" in said(page("incidents", snapshot="20250101T000000Z-aaaaaaaa"))
    # Not a way to other files.
    assert "6 incidents" in said(page("incidents", snapshot="../../etc/passwd"))


def test_the_sql_box_answers_and_refuses_in_words(tmp_path: Path) -> None:
    publish(tmp_path)
    asked = page("data", sql="SELECT count(*) AS n, count(*) AS n FROM incidents")
    asked.button[0].click().run()
    assert not asked.exception
    assert "1 row." in said(asked)
    assert "n (2)" in said(asked)
    refused = page("data", sql="DROP TABLE incidents")
    refused.button[0].click().run()
    assert "one SELECT at a time" in said(refused)


def test_the_funnel_says_what_is_lost(tmp_path: Path) -> None:
    publish(tmp_path)
    text = said(page("methods"))
    assert re.search(r"posts the same post under two ids is one 70 2 97\.2 of 100", text)
    assert "Alignment faking: F1 not computable insufficient 210" in text
    assert "neighbours, not translations" in text
