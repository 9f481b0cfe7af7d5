"""A reader's way through the page in headless Chromium; pictures are kept in tests/artefacts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from app.queries.overview import load
from tests.app.browser import CHROMIUM, ROOT, Server, drawn, opened, serving, violations, visit, whole
from tests.app.hostile import publish_hostile
from tests.app.picture import take
from tests.app.snapshots import CASES, publish
from warehouse.connect import find_snapshot
from warehouse.present.charts import monthly_by_behaviour

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (Debian: apt-get install chromium)"),
]
ARTEFACTS = ROOT / "tests" / "artefacts"
PATHS = (
    "/",
    "/trends?by=behaviour",
    "/behaviours",
    "/incidents",
    "/incident?incident=2",
    "/sources",
    "/methods",
    "/data",
)


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    ARTEFACTS.mkdir(exist_ok=True)
    return publish(tmp_path_factory.mktemp("warehouse"))


@pytest.fixture(scope="module")
def server(db: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(db, tmp_path_factory.mktemp("elsewhere")) as running:
        yield running
    assert not [line for line in running.log if "Traceback" in line]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(publish_hostile(tmp_path_factory.mktemp("hostile")), tmp_path_factory.mktemp("there")) as running:
        yield running
    assert not [line for line in running.log if "Traceback" in line]


def test_a_reader_finds_the_figures(server: Server) -> None:
    with opened(server, 1200) as (page, seen):
        body = page.locator(".stMainBlockContainer").inner_text()
        assert "7 public reports tell of 6 incidents" in body
        assert "A collection, not a measurement" in body
        assert "95 % exact interval 3.75–6.51; n = 65 and 319 incidents" in body
        assert "1.7 and 1.3" in body
        charts = page.locator(".stVegaLiteChart")
        assert charts.count() == 3
        assert "All strict incidents: 6 in all" in (charts.nth(1).get_attribute("aria-label") or "")
        # Three months with incidents, as three bars of the first panel.
        assert charts.nth(1).locator(".concat_0_group .mark-rect path").count() == 3
        assert page.locator("mark", has_text="deleted").first.is_visible()
        assert page.locator(".os-cases img").count() == 0
        assert page.locator("a[href^='javascript']").count() == 0
        assert page.locator(".stException").count() == 0
        whole(page, ARTEFACTS / "overview-desktop.png")
        assert (seen.errors, seen.elsewhere) == ([], [])


def test_the_data_of_a_chart_by_keyboard(server: Server, db: Path, tmp_path: Path) -> None:
    with opened(server, 1200) as (page, seen):
        panel = page.get_by_test_id("stExpander").nth(1)
        panel.locator("summary").focus()
        page.keyboard.press("Enter")
        table = panel.get_by_role("region", name="Data of the chart monthly-incidents")
        table.wait_for()
        page.keyboard.press("Tab")
        with page.expect_download() as waiting:
            page.keyboard.press("Enter")
        waiting.value.save_as(tmp_path / "data.csv")
        found = load(find_snapshot(db))
        figure = monthly_by_behaviour(found.series, snapshot=found.snapshot)
        assert figure is not None
        assert (tmp_path / "data.csv").read_text("utf-8") == figure.csv()
        assert waiting.value.suggested_filename == f"offscript-monthly-incidents-{found.snapshot}.csv"
        assert seen.errors == []


@pytest.mark.parametrize(
    ("name", "width", "context"),
    (
        ("desktop", 1200, {}),
        ("dark", 1200, {"color_scheme": "dark"}),
        ("phone", 390, {"has_touch": True, "is_mobile": True}),
    ),
)
def test_every_page_is_accessible_and_fits(server: Server, name: str, width: int, context: dict[str, Any]) -> None:
    found: dict[str, list[str]] = {}
    with opened(server, width, 844, **context) as (page, seen):
        for path in PATHS:
            visit(page, server, path)
            assert page.locator(".stException").count() == 0
            wide = page.evaluate(
                "() => [...document.querySelectorAll('.stMainBlockContainer *:not(.os-scroll *)')]"
                ".filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 120))"
            )
            whole(page, ARTEFACTS / f"{path.strip('/').split('?')[0] or 'overview'}-{name}.png")
            found[path] = [*violations(page), *wide]
        assert (seen.errors, seen.elsewhere) == ([], [])
    assert {path: faults for path, faults in found.items() if faults} == {}


def test_charts_can_be_read_in_the_dark(server: Server) -> None:
    with opened(server, 1200, color_scheme="dark") as (page, _):
        ink = page.locator(".stVegaLiteChart").first.locator(".role-mark text").first
        assert int(ink.evaluate("e => getComputedStyle(e).fill").split("(")[1].split(",")[0]) > 200


def test_attacks_do_nothing_in_a_browser(hostile: Server) -> None:
    with opened(hostile, 1200) as (page, seen):
        for path in (*PATHS, "/incident?incident=66", "/trends?by=agent", "/behaviours?who=vendor"):
            visit(page, hostile, path)
            assert page.evaluate("() => window.attacked") is None
            block = page.locator(".stMainBlockContainer")
            assert block.locator("img, iframe, script, object, embed").count() == 0
            assert page.locator("a[href^='javascript'], a[href*='beacon']").count() == 0
        assert (seen.errors, seen.elsewhere) == ([], [])


def test_a_journalist_finds_a_figure_a_case_and_how_to_cite_both(server: Server, tmp_path: Path) -> None:
    with opened(server, 1200) as (page, seen):
        body = page.locator(".stMainBlockContainer")
        page.get_by_text("7 public reports tell of 6 incidents").first.wait_for()
        assert "1.7 and 1.3" in body.locator(".os-figures").inner_text()
        panel = page.get_by_test_id("stExpander").nth(1)
        panel.locator("summary").click()
        for kind, start in (("PNG", b"\x89PNG"), ("SVG", b"<svg")):
            with page.expect_download() as waiting:
                panel.get_by_role("button", name=kind).click()
            waiting.value.save_as(tmp_path / kind)
            assert (tmp_path / kind).read_bytes().startswith(start)
        page.get_by_role("link", name="№ 3 ").click()
        page.get_by_role("heading", name="The reports").wait_for()
        drawn(page)
        cited = page.get_by_test_id("stCode").last.inner_text().replace("\n", "")
        assert "Incident 3, Codex: data deletion" in cited
        # The address in the citation opens the same page, also for somebody else.
        address = cited[cited.index("http") :]
        browser = page.context.browser
        assert browser is not None
        other = browser.new_context().new_page()
        visit(other, server, address.removeprefix(server.url))
        assert other.locator("h1").inner_text() == page.locator("h1").inner_text() == "Codex: data deletion"
        assert (seen.errors, seen.elsewhere) == ([], [])


def test_an_analyst_takes_the_same_figure_away(server: Server, db: Path, tmp_path: Path) -> None:
    with opened(server, 1200, path="/incidents") as (page, seen):
        page.get_by_role("combobox", name="Behaviour").click()
        page.get_by_role("option", name="shutdown tampering").click()
        page.get_by_role("status").get_by_text("2 incidents, told in 2 reports").wait_for()
        page.wait_for_url("**/incidents?behaviour=shutdown+tampering")
        page.reload()
        drawn(page)
        assert "2 incidents, told in 2 reports" in page.locator(".os-status").inner_text()
        page.get_by_role("link", name="Data", exact=True).click()
        page.get_by_role("heading", name="Ask in SQL").wait_for()
        sql = "SELECT count(*) AS n FROM incidents WHERE list_contains(behaviours_present, 'shutdown_tampering')"
        box = page.get_by_role("textbox", name="SQL")
        box.fill(sql)
        box.press("Control+Enter")
        page.get_by_role("button", name="Run").click()
        answer = page.get_by_role("region", name="Answer")
        answer.wait_for()
        assert answer.locator("td, tbody th").inner_text() == "2"
        with page.expect_download() as waiting:
            page.get_by_role("button", name="Parquet").click()
        waiting.value.save_as(tmp_path / "incidents.parquet")
        taken = duckdb.sql(sql.replace("FROM incidents", f"FROM '{tmp_path / 'incidents.parquet'}'")).fetchone()
        with page.expect_download() as waiting:
            page.get_by_role("button", name="The whole snapshot").click()
        waiting.value.save_as(tmp_path / "snapshot.duckdb")
        with duckdb.connect(str(tmp_path / "snapshot.duckdb"), read_only=True) as con:
            assert con.execute(sql).fetchone() == taken == (2,)
        assert (tmp_path / "snapshot.duckdb").read_bytes() == find_snapshot(db).path.read_bytes()
        assert (seen.errors, seen.elsewhere) == ([], [])


def test_the_first_address_after_a_start_may_be_any_page(tmp_path: Path) -> None:
    with serving(publish(tmp_path), tmp_path) as server, opened(server, 1200, path="/incident?incident=2") as (page, _):
        assert page.locator("h1").inner_text() == "Codex: data deletion"
        # Replaced while it is read: the old picture stays whole until the next click, which shows the new one.
        old = find_snapshot(tmp_path / "offscript.duckdb").path
        publish(tmp_path, CASES[:4], snapshot="20260402T000000Z-bbbbbbbb")
        old.unlink()
        page.get_by_role("link", name="Incidents", exact=True).click()
        page.get_by_text("4 incidents, told in 5 reports").wait_for()
        drawn(page)
        assert "20260402T000000Z-bbbbbbbb" in page.get_by_test_id("stCode").last.inner_text().replace("\n", "")
        assert not [line for line in server.log if "Traceback" in line]


def test_the_readme_picture_can_be_made(server: Server, tmp_path: Path) -> None:
    take(server, tmp_path / "overview.png")
    assert (tmp_path / "overview.png").read_bytes().startswith(b"\x89PNG")
