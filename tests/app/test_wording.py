"""What is said about a figure keeps the rules."""

import re

import pytest

from tests.conftest import ROOT
from warehouse.present import wording
from warehouse.present.wording import faults
from warehouse.trends.statistics import rate_ratio

STUDY = rate_ratio(65, 319)


def test_the_cited_ratio_has_its_intervals_and_counts() -> None:
    text = wording.study_text(STUDY)
    assert "ratio 4.91 (95 % exact interval 3.75–6.51" in text
    assert "over-dispersed 3.12–7.73 at dispersion 2.9, " in text
    assert "n = 65 and 319 incidents" in text
    assert faults(text) == []


def test_every_kind_of_sentence_keeps_the_rules() -> None:
    said = (
        wording.headline(0, 0, None, None),
        wording.headline(1, 1, ("2026-03", "2026-03"), None),
        wording.headline(12, 30, ("2025-10", "2026-03"), None),
        wording.headline(400, 500, ("2025-10", "2026-03"), (STUDY, "2025-10", "2026-03")),
        wording.not_computable("some of the incidents were chosen by hand"),
        wording.coverage_text(["unknown", "measured", "unknown"]),
        wording.dated_text(12, 3, 1, 0),
        wording.control_text("control: posts that discuss scheming", 1.7),
        wording.quality("Precision", 0.81, 0.74, 0.87, 210),
        wording.citation("s", "2026-04-01"),
        wording.STRICT,
        wording.MERGING,
        wording.TWO_BEHAVIOURS,
        wording.ANNOTATORS,
    )
    assert {text: faults(text) for text in said if faults(text)} == {}


@pytest.mark.parametrize(
    ("text", "rule"),
    (
        ("The release caused more incidents.", "caused"),
        ("Scheming went up.", "scheming"),
        ("The ratio is 4.9.", "without its interval"),
        ("Incidents rose five-fold.", "without its interval"),
        ("4.9× more incidents", "without its interval"),
        ("42 % of incidents", "without its interval"),
        ("ratio 4.9 (95 % exact interval 3.75–6.51)", "without its interval"),
    ),
)
def test_broken_rules_are_found(text: str, rule: str) -> None:
    assert any(rule in found for found in faults(text))


def test_what_is_left_out_is_said() -> None:
    assert wording.dated_text(1_200, 3, 0, 2) == (
        "n = 1,200 strict incidents by month of first report; "
        "left out: 3 known by year only, 2 in months that were not read"
    )
    assert (
        wording.coverage_text(["unknown", "measured", "unknown"])
        == "Coverage: unknown in 2 months, measured in 1 month"
    )


def test_the_study_may_be_named() -> None:
    assert faults(f"As cited: {wording.STUDY_CITED}.") == []


def test_the_headline_says_what_can_be_said() -> None:
    collection = wording.headline(1, 1, ("2026-03", "2026-03"), None)
    assert collection.startswith("1 public report tells of 1 incident in which")
    assert "reported in March 2026" in collection
    assert "cannot be told" in collection
    flat = rate_ratio(10, 12)
    assert "no clear change" in wording.headline(22, 30, ("2025-10", "2025-11"), (flat, "2025-10", "2025-11"))
    assert wording.direction(rate_ratio(20, 2)) == "fewer"


def test_a_zero_count_has_no_ratio_but_an_interval() -> None:
    text = wording.ratio_text(rate_ratio(0, 12))
    assert text.startswith("not computable (95 % exact interval above ")
    assert "n = 0 and 12 incidents" in text


def test_what_is_said_of_merging_is_what_the_simulation_found() -> None:
    page, readme = ((ROOT / name).read_text("utf-8") for name in ("docs/simulation.md", "README.md"))
    for merge in ("tight", "normal"):
        for ratio in ("counted, exact", "corrected by the audit"):
            found = re.search(rf"\| {merge} \| {ratio} \| 200 \| ([\d.]+) \|", page)
            assert found
            assert found[1] in wording.MERGING
            assert found[1] in readme
