"""The brief and the feeds: true sentences, inert quotes, one page, the same figures as the series."""

import html
from datetime import date
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner

from flows.cli import main
from tests.app.snapshots import CASES, Case, publish
from warehouse.connect import WarehouseError, open_snapshot
from warehouse.present import brief as module
from warehouse.present.brief import CANNOT, Brief, brief, headline
from warehouse.present.document import (
    Bullets,
    Heading,
    Links,
    Paragraph,
    Quote,
    Table,
    texts,
    to_html,
    to_markdown,
)
from warehouse.present.feeds import incidents_feed, monthly_feed
from warehouse.present.wording import faults
from warehouse.trends.lines import Month

ATOM = "{http://www.w3.org/2005/Atom}"
RISE = tuple(Case("2026-02") for _ in range(4)) + tuple(Case("2026-03") for _ in range(20))


def made(folder: Path, month: date, cases: tuple[Case, ...] = CASES, coverage: str = "unknown") -> Brief:
    with open_snapshot(publish(folder, cases, coverage=coverage)) as (con, _):
        return brief(con, month)


@pytest.mark.parametrize(("cases", "coverage"), [(CASES, "unknown"), (CASES, "curated"), (RISE, "read")])
def test_every_sentence_keeps_the_rules_and_nothing_that_cannot_be_concluded_is_left_out(
    tmp_path: Path, cases: tuple[Case, ...], coverage: str
) -> None:
    found = made(tmp_path, date(2026, 3, 1), cases, coverage)
    assert {text: faults(text) for text in texts(found.blocks) if faults(text)} == {}
    assert set(CANNOT) <= set(texts(found.blocks))


def test_a_measured_month_has_its_ratio_with_interval_and_counts(tmp_path: Path) -> None:
    lead = texts(made(tmp_path, date(2026, 3, 1), RISE, "read").blocks)[1]
    assert lead.startswith("20 strict incidents first reported in March 2026")
    assert "after 4 in the month before: more, ratio 4.52, 95 % exact interval " in lead
    assert "n = 4 and 20 incidents a month, months compared by their days" in lead


def test_a_collection_gets_counts_only(tmp_path: Path) -> None:
    lead, banner, *_ = texts(made(tmp_path, date(2026, 3, 1)).blocks)[1:]
    assert lead.startswith("3 strict incidents first reported in March 2026, out of 3 reports dated to it")
    assert "not computable, because nobody knows" in lead
    assert banner.startswith("A collection, not a measurement")


def test_a_gap_is_not_a_zero() -> None:
    gap = headline(Month(date(2026, 3, 1), "none", None, None, None), None, 0)
    assert gap == "For March 2026 no figure is computable: nothing was read of it, and a gap is not a zero."


def test_a_month_outside_the_snapshot_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match="nothing about 2030-01: it speaks of 2026-01 to 2026-03"):
        made(tmp_path, date(2030, 1, 1))


def test_a_page_that_breaks_a_rule_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CANNOT", ("Releases caused this.",))
    with pytest.raises(WarehouseError, match=r"breaks the rules .*caused"):
        made(tmp_path, date(2026, 3, 1))


HOSTILE = "<script>alert(1)</script> [x](javascript:alert(1)) | # *b* https://evil.example @you\n- www.evil.example"


def test_a_stranger_s_words_stay_words() -> None:
    blocks = (Heading("T", 1), Quote(HOSTILE, ((0, 8),)), Paragraph(HOSTILE), Table("t", ({"a": HOSTILE, "b": 1},)))
    page, text = to_html("T", blocks), to_markdown(blocks)
    assert "<script" not in page
    assert "href" not in page
    assert "default-src 'none'" in page
    assert "<script" not in text.replace("\\<", "")
    assert "[x]" not in text
    assert "https\\://" in text
    assert text.count("\n|") == 3


def test_only_addresses_within_the_site_are_linked() -> None:
    assert '<a href="incident/4.html">4</a>' in to_html("T", (Links((("4", "incident/4.html"),)),))
    with pytest.raises(ValueError, match="not an address within the site"):
        to_html("T", (Links((("x", "https://evil.example"),)),))
    assert "- 1\\. a" not in to_markdown((Bullets(("a",)),))


def test_the_command_writes_page_picture_and_data(tmp_path: Path) -> None:
    db = publish(tmp_path)
    run = CliRunner().invoke(main, ["brief", "2026-03", "--db", str(db), "--out", str(tmp_path / "b")])
    assert run.exit_code == 0, run.output
    files = {path.name for path in (tmp_path / "b").iterdir()}
    stem = "brief-2026-03"
    assert files == {
        f"{stem}.html",
        f"{stem}.md",
        *(f"{stem}-monthly-incidents.{kind}" for kind in ("svg", "png", "csv")),
    }
    page = html.unescape((tmp_path / "b" / f"{stem}.html").read_text())
    assert f'src="{stem}-monthly-incidents.svg"' in page
    assert "SHA-256 of the snapshot file" in page


def test_the_feeds_are_atom_and_say_the_same_twice(tmp_path: Path) -> None:
    with open_snapshot(publish(tmp_path)) as (con, _):
        told = incidents_feed(con, "https://example.org/o")
        assert told == incidents_feed(con, "https://example.org/o")
        months = ET.fromstring(monthly_feed(con))
    feed = ET.fromstring(told)
    entries = feed.findall(f"{ATOM}entry")
    assert len(entries) == len(CASES)
    assert len({entry.findtext(f"{ATOM}id") for entry in entries}) == len(CASES)
    addresses = [link.get("href", "") for link in feed.iter(f"{ATOM}link")]
    assert "https://example.org/o/incidents.atom" in addresses
    assert not any(address.startswith("javascript") for address in addresses)
    assert all(entry.findtext(f"{ATOM}updated", "").endswith("Z") for entry in entries)
    titles = [entry.findtext(f"{ATOM}title") for entry in months.findall(f"{ATOM}entry")]
    assert titles == ["March 2026", "February 2026", "January 2026"]
    assert all(not faults(entry.findtext(f"{ATOM}summary", "")) for entry in months.findall(f"{ATOM}entry"))
