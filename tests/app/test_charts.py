"""Charts: drawn without network, told in words, with the rows they draw."""

import csv
import io
import json
from datetime import date
from typing import Any

import pytest

from warehouse.present.charts import Figure, coverage_strip, monthly_by_behaviour, ratios, to_csv
from warehouse.trends.lines import Line, Month, Series


def _line(name: str, counts: tuple[int | None, ...], interval: bool = False) -> Line:
    months = tuple(
        Month(
            date(2025, 11, 1) if number == 0 else date(2025, 12, 1) if number == 1 else date(2026, number - 1, 1),
            "none" if count is None else "measured" if interval else "unknown",
            count,
            count,
            (0.5 * count, 2.0 * count) if interval and count is not None else None,
        )
        for number, count in enumerate(counts)
    )
    return Line(name, months, 0, None, None, "a reason")


def _series(*lines: Line, banner: str | None = "a collection, not a measurement") -> Series:
    return Series("behaviour", "normal", date(2025, 11, 1), date(2026, 2, 1), lines, False, banner, "a reason", 0, 0)


def _monthly(**more: Any) -> Figure:
    figure = monthly_by_behaviour(
        _series(
            _line("all", (2, 3, None, 4), **more),
            _line("none_marked", (0, 0, None, 1), **more),
            _line("alignment_faking", (2, 1, None, 2), **more),
        ),
        snapshot="20260401T000000Z-aaaaaaaa",
    )
    assert figure is not None
    return figure


def test_the_rows_are_the_counts_and_a_gap_is_no_zero() -> None:
    rows = list(csv.DictReader(io.StringIO(_monthly().csv())))
    total = [(row["month"], row["incidents"]) for row in rows if row["series"] == "All strict incidents"]
    assert total == [("2025-11", "2"), ("2025-12", "3"), ("2026-01", ""), ("2026-02", "4")]
    # All first, the four behaviours, what fits none of them last.
    assert list(dict.fromkeys(row["series"] for row in rows))[1:] == ["Alignment faking", "None of the four marked"]


def test_the_words_hold_what_the_picture_shows() -> None:
    said = _monthly().description
    assert said.startswith("A collection, not a measurement. Bar charts of strict incidents by month")
    assert "All strict incidents: 9 in all, most in 2026-02 (4)" in said
    assert "Alignment faking: 5 in all, most in 2025-11 (2)" in said
    assert "counted in both" in said


def test_banner_and_snapshot_travel_with_the_picture() -> None:
    svg = _monthly().svg()
    assert "A collection, not a measurement" in svg
    assert "20260401T000000Z-aaaaaaaa" in svg
    assert "Jan 2026" in svg
    assert "http" not in svg.replace("http://www.w3.org/", "")
    assert _monthly().png(1).startswith(b"\x89PNG\r\n\x1a\n")


def test_intervals_are_drawn_where_there_are_any() -> None:
    assert "y2" not in json.dumps(_monthly().chart.to_dict())
    drawn = json.dumps(_monthly(interval=True).chart.to_dict())
    assert '"y2": {"field": "high_95"}' in drawn


def test_every_panel_has_the_same_months() -> None:
    domains = {json.dumps(panel["encoding"]["x"]["scale"]["domain"]) for panel in _monthly().chart.to_dict()["vconcat"]}
    assert len(domains) == 1
    assert '"year": 2026' in domains.pop()


@pytest.mark.parametrize("months", (1, 2, 5, 7, 30, 121))
def test_few_months_are_labelled(months: int) -> None:
    from warehouse.present.charts import _ticks

    first = 2019 * 12 + 4
    found = _ticks(first, first + months - 1)
    assert 1 <= len(found) <= 6
    assert all(first <= month < first + months for month in found)


def test_nothing_to_draw() -> None:
    assert monthly_by_behaviour(_series(_line("all", (None, None)))) is None
    assert ratios(()) is None
    assert coverage_strip(()) is None


def test_ratios_without_an_interval_say_so() -> None:
    rows = (
        {"what": "Published, exact", "basis": "cited", "ratio": 4.9077, "low": 3.75, "high": 6.51, "n": "65 → 319"},
        {"what": "Control", "basis": "control", "ratio": 1.7, "low": None, "high": None, "n": "counts not published"},
    )
    told = ("3.75-6.51", "interval not computable")
    figure = ratios([{**row, "interval": text} for row, text in zip(rows, told, strict=True)])
    assert figure is not None
    assert "Published, exact: 4.91 (3.75-6.51), 65 → 319" in figure.description
    assert "Control: 1.70 (interval not computable), counts not published" in figure.description
    assert "1.70 (interval not computable)" in figure.svg()


def test_coverage_is_told_by_source() -> None:
    figure = coverage_strip(
        [
            {"source": "GitHub", "month": "2025-12", "reports": 4, "coverage": "measured"},
            {"source": "GitHub", "month": "2026-01", "reports": 0, "coverage": "partial"},
            {"source": "Reddit", "month": "2026-01", "reports": 1, "coverage": "unknown"},
        ]
    )
    assert figure is not None
    assert "GitHub: 4 reports in 2 months, 2025-12 to 2026-01, coverage measured and partial" in figure.description
    assert "Reddit: 1 report in 1 month, 2026-01 to 2026-01, coverage unknown" in figure.description


def test_csv_is_inert() -> None:
    assert to_csv([{"a": "=1+1", "b": "x\u202ey", "c": None, "d": -1}]) == "a,b,c,d\n'=1+1,xy,,-1\n"
    assert to_csv([]) == ""
