"""The scale model: its walls are where arithmetic puts them, and its figures are those of the file."""

from dataclasses import replace
from typing import Any

import pytest

from tests.bench import frame, scale
from tests.bench.scale import Costs, Range, Stream, Tier, reach

COST = Costs(screen=1e-4, store=1e-3, judge=2e-2, link=1e-3, publish=1e-5, bytes=3000, spread=0.0)
ALL = Stream("all", None, Range(0.01, 0.01, ""), stored=False, bound="")
ONE = {"core": 1.0, "busy": 1.0}


def measured(**rates: float) -> dict[str, Any]:
    told = {
        ("screen", "screen"): 20_000.0,
        ("screen", "parse lines"): 100_000.0,
        ("screen", "map to a report"): 10_000.0,
        ("ingest", "into a warehouse of 5,000,000"): 5000.0,
        ("cascade", "the cascade, by post encoded"): rates.get("judge", 40.0),
        ("pipeline", "link"): 500.0,
        ("pipeline", "working file"): 3000.0,
        ("publish", "publish"): 30.0,
        ("cluster", "overhead of 1 workers"): 2.0,
        **{("writers", f"{count} writers, taking turns"): 9.0 - count for count in (1, 2, 4)},
        ("writers", "4 writers, left to DuckLake"): 5.0,
        ("writers", "4 writers, left to DuckLake: refused"): 77.0,
    }
    found: dict[str, Any] = {}
    for (part, name), value in told.items():
        rows = [{"name": name, "value": value, "n": 1_000_000}]
        found.setdefault(part, {"date": "2026-11-21", "machine": {"cores": 2}, "rows": []})["rows"] += rows
    return found


def test_one_core_does_everything_in_turn() -> None:
    found = reach(Tier("laptop", 1, 0, ""), ALL, COST, kept=0.01, **ONE)
    assert found.posts == pytest.approx(86_400 / (1e-4 + 0.01 * (1e-3 + 1e-3 + 2e-2)))
    assert found.wall == "judging"


def test_more_judging_cores_help_until_the_writer_is_the_wall() -> None:
    few = reach(Tier("few", 1, 1, ""), ALL, COST, kept=0.01, **ONE)
    many = reach(Tier("many", 1, 64, ""), ALL, COST, kept=0.01, **ONE)
    more = reach(Tier("more", 1, 640, ""), ALL, COST, kept=0.01, **ONE)
    assert (few.wall, few.posts) == ("judging", pytest.approx(86_400 / 2e-4))
    assert many.wall == more.wall == "the one writer"
    assert many.posts == more.posts > few.posts


def test_what_is_stored_whole_costs_its_storing() -> None:
    tier = Tier("many", 1, 64, "")
    assert (
        reach(tier, replace(ALL, stored=True), COST, kept=0.01, **ONE).posts
        < reach(tier, ALL, COST, kept=0.01, **ONE).posts
    )


def test_costs_come_from_the_file() -> None:
    found = scale.costs(measured(judge=50.0))
    assert found.judge == pytest.approx(0.02)
    assert found.screen == pytest.approx(1e-5 + 1e-4 + 5e-5)
    assert found.publish == pytest.approx(3e-5)
    assert found.spread == pytest.approx(0.002)


def test_a_missing_figure_names_the_part_to_run() -> None:
    found = measured()
    del found["cascade"]
    with pytest.raises(scale.NotMeasuredError, match=r"tests\.bench cascade"):
        scale.costs(found)


def test_the_page_names_every_source_and_its_figures_move_with_the_file() -> None:
    slow, fast = scale.text(measured(judge=20.0)), scale.text(measured(judge=2000.0))
    assert slow != fast
    for stream in scale.STREAMS:
        assert stream.posts is not None
        assert stream.posts.source in slow
        assert stream.kept.source in slow


def test_the_shipped_page_is_what_the_shipped_file_says() -> None:
    try:
        expected = scale.text(frame.read())
    except scale.NotMeasuredError:
        assert not scale.PAGE.exists()
        return
    assert scale.PAGE.read_text("utf-8") == expected, "python -m tests.bench.scale"
