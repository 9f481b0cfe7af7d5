"""Linking: what is one event, what only looks like one, and that order, copies and bridges change nothing."""

import json
import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

import numpy as np
import pytest
from numpy.typing import NDArray

from classifiers.encoder import default_encoder
from classifiers.linking import cluster, find_links, link_lines, measure
from classifiers.linking.card import CARD
from classifiers.linking.clues import address_of, content_of, numbers
from classifiers.linking.index import CANDIDATES
from classifiers.linking.when import event_windows
from warehouse.schema.models import Link, Linkable

LONG = (
    "Our booking agent was told to list the open invoices and nothing else. It opened the ledger, marked forty-one of "
    "them as paid, mailed the suppliers a thank-you note and closed the quarter. The audit log shows that no one had "
    "approved any of these steps, and the reversal took the bookkeeper the whole weekend."
)


def report(name: str, text: str, day: str | None = "2026-03-02", title: str = "", url: str | None = None) -> Linkable:
    moment = datetime.fromisoformat(day).replace(tzinfo=UTC) if day else None
    return Linkable(id=name, title=title, text=text, created_at=moment, url=url)


class Hashed:
    """An encoder of word hashes: fast, and enough where likeness of words is likeness of meaning."""

    def __init__(self) -> None:
        self.encoded = 0

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.encoded += len(texts)
        rows = np.zeros((len(texts), 384), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.lower().split():
                row[int.from_bytes(blake2b(word.encode(), digest_size=4).digest()) % 384] += 1
        unit: NDArray[np.float32] = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
        return unit


def edge(left: str, right: str, score: float, method: str = "same_event", merge: str = "normal") -> Link:
    return Link.model_validate(
        {"report_id": left, "linked_to": right, "method": method, "score": score, "merge": merge, "reason": "r"}
    )


def parts(group: dict[str, str]) -> set[frozenset[str]]:
    return {frozenset(name for name, key in group.items() if key == wanted) for wanted in group.values()}


def test_same_text_in_other_dress_is_an_exact_copy() -> None:
    links = find_links([report("a", LONG), report("b", f"  {LONG.upper()} !", "2026-03-05")], encoder=Hashed())
    assert [(link.report_id, link.linked_to, link.method, link.merge) for link in links] == [
        ("b", "a", "exact", "tight")
    ]
    assert links[0].reason == "same normalised text"


def test_one_address_is_one_report_whatever_the_text_says() -> None:
    one = report("a", LONG, url="https://www.reddit.com/r/x/comments/1/?utm_source=share#top")
    two = report("b", "[deleted]", "2026-03-04", url="http://old.reddit.com/r/x/comments/1")
    assert [link.reason for link in find_links([one, two], encoder=Hashed())] == ["same address"]


def test_light_edit_and_quote_are_near_copies() -> None:
    edited = report("b", LONG.replace("whole weekend", "entire weekend"), "2026-03-03")
    quoted = report("c", f"Look at this, posted on another board today: {LONG}", "2026-03-04")
    links = find_links([report("a", LONG), edited, quoted], encoder=Hashed())
    assert {(link.report_id, link.linked_to, link.method) for link in links} == {
        ("b", "a", "near_duplicate"),
        ("c", "a", "near_duplicate"),
        ("c", "b", "near_duplicate"),
    }
    assert "five-word shingles" in links[0].reason


FORM = """### Preflight checklist
- [x] I have searched existing issues
### What happened
{what}
### Expected behaviour
The assistant stays within the scope of the request and asks before it touches anything else in the repository at all.
### Environment
version 2.1.9 on Ubuntu 24.04, terminal xterm, shell bash, permission mode default, no custom hooks, no plugins enabled
### Additional context
_No response_"""


def test_posts_from_one_form_are_not_copies() -> None:
    one = report("a", FORM.format(what="It dropped the payroll table."), title="[BUG] payroll table dropped")
    two = report("b", FORM.format(what="It mailed my landlord."), "2026-04-20", title="[BUG] mail to landlord")
    assert not [link for link in find_links([one, two], encoder=Hashed()) if link.method != "same_event"]


def test_short_titles_that_share_a_tag_stay_apart() -> None:
    titles = ["[BUG] ", "[BUG]", "[BUG] ignores rules", "[BUG] Ignores rules", "[Feature] ignores rules"]
    reports = [report(f"t{n}", "", f"2026-0{n + 1}-05", title=title) for n, title in enumerate(titles)]
    assert len({line.incident for line in link_lines(reports, encoder=Hashed())}) == len(titles)


def test_empty_texts_are_never_joined() -> None:
    reports = [report(f"e{n}", text) for n, text in enumerate(["", "  ", "", "…", "[BUG]"])]
    for merge in ("tight", "normal", "loose"):
        assert len({line.incident for line in link_lines(reports, merge, encoder=Hashed())}) == 5


RETOLD = [
    report("w1", "The greenhouse agent was to report the humidity. It opened all vents at minus nine degrees and 2,300 "
           "orchids froze. Botanic garden of Leiden, the night of the 14th.", "2026-01-16", "Orchids lost to an agent"),
    report("w2", "lol the botanic garden's AI opened every vent in january. 2,300 orchids frozen. it only had to READ "
           "the humidity", "2026-01-17"),
    report("w3", "Agent permitted to read sensors operated the vents of a greenhouse in Leiden. About 2,300 orchids "
           "were lost to frost. No instruction to ventilate.", "2026-02-20", "Frost damage after unrequested ventilation"),
    report("v1", "The agent of our school was to log the warmth. It switched the lamps off for a week and 400 "
           "tomato plants died.", "2026-06-03", "Tomatoes lost to an agent"),
]  # fmt: skip


def test_retellings_are_one_event_and_a_look_alike_is_not() -> None:
    lines = {line.id: line for line in link_lines(RETOLD, encoder=default_encoder())}
    assert [lines[name].incident for name in ("w1", "w2", "w3", "v1")] == ["1", "1", "1", "2"]
    assert lines["w1"].linked_to is None
    assert lines["w2"].linked_to == "w1"
    assert "orchids" in lines["w2"].reason
    assert "2,300" in lines["w2"].reason
    assert "similarity" in lines["w2"].reason
    assert {line.incident for line in link_lines(RETOLD, "tight", encoder=default_encoder())} == {"1", "2", "3", "4"}


def test_missing_dates_do_not_break_or_force_a_link() -> None:
    undated = [item.model_copy(update={"created_at": None}) for item in RETOLD]
    lines = {line.id: line for line in link_lines(undated, encoder=default_encoder())}
    assert lines["w1"].incident == lines["w2"].incident
    assert lines["v1"].incident != lines["w1"].incident


def test_links_go_from_the_later_report_to_the_earlier_whichever_came_first() -> None:
    links = find_links(RETOLD[::-1], encoder=default_encoder())
    assert ("w2", "w1") in {(link.report_id, link.linked_to) for link in links}
    at = {report.id: report.created_at for report in RETOLD}
    assert all(at[link.report_id] > at[link.linked_to] for link in links)  # type: ignore[operator]


@pytest.mark.parametrize("seed", range(5))
def test_order_of_arrival_changes_nothing(seed: int) -> None:
    draw = random.Random(seed)
    names = [f"n{number:02d}" for number in range(24)]
    links = [edge(a, b, draw.random()) for a in names for b in names if a < b and draw.random() < 0.3]
    expected = parts(cluster(names, links, "normal"))
    for _ in range(5):
        draw.shuffle(names)
        draw.shuffle(links)
        turned = [link.model_copy(update={"report_id": link.linked_to, "linked_to": link.report_id}) for link in links]
        assert parts(cluster(names, turned, "normal")) == expected
    reports = [*RETOLD, report("a", LONG), report("b", LONG, "2026-03-09")]
    first = find_links(reports, encoder=Hashed())
    draw.shuffle(reports)
    assert find_links(reports, encoder=Hashed()) == first


def test_relinking_is_the_same_and_keys_are_first_ids() -> None:
    once, twice = (find_links(RETOLD, encoder=default_encoder()) for _ in range(2))
    assert once == twice
    group = cluster(["w3", "w2", "w1", "v1"], [*once, *twice], "normal")
    assert group == {"w3": "w3", "w2": "w3", "w1": "w3", "v1": "v1"}


@pytest.mark.parametrize("bridges", [["x"], ["a0"]])
def test_a_bridging_post_does_not_chain_two_events(bridges: list[str]) -> None:
    left, right = ["a1", "a2", "a3"], ["b1", "b2", "b3"]
    links = [edge(one, two, 0.97) for side in (left, right) for one in side for two in side if one < two]
    links += [edge(bridge, other, 0.999) for bridge in bridges for other in (*left, *right)]
    for merge in ("normal", "loose"):
        group = cluster([*left, *right, *bridges], links, merge)
        assert group["a1"] == group["a3"] != group["b1"] == group["b3"]


def crowded(width: int) -> list[Link]:
    """Pairs of likely and of certain tellings, and `width` reports as like each of them as two strangers are."""
    links = [edge("b", "a", 0.9), edge("d", "c", 0.9999)]
    return links + [edge(f"s{n:02d}", name, 0.1) for n in range(width) for name in "abcd"]


def test_in_a_crowd_of_like_reports_a_link_must_stand_out_by_more() -> None:
    thin, dense = ({name: group for name, group in cluster([*"abcd", *(f"s{n:02d}" for n in range(width))],
                    crowded(width), "normal").items() if name in "abcd"} for width in (4, 40))  # fmt: skip
    assert parts(thin) == {frozenset("ab"), frozenset("cd")}
    assert parts(dense) == {frozenset("a"), frozenset("b"), frozenset("cd")}


def test_a_story_told_by_many_is_one_event_though_it_is_a_crowd_itself() -> None:
    names = [f"t{n:02d}" for n in range(40)]
    draw = random.Random(7)
    links = [edge(two, one, draw.choice((0.1, 0.9, 0.97))) for one in names for two in names if one < two]
    assert len(parts(cluster(names, links, "normal"))) == 1


def test_links_beyond_those_given_count_in_the_crowd() -> None:
    links = crowded(0)
    assert len(parts(cluster(list("abcd"), links, "normal"))) == 2
    assert len(parts(cluster(list("abcd"), links, "normal", crowd=dict.fromkeys("abcd", 40.0)))) == 3


def test_a_real_bridging_text_joins_one_event_at_most() -> None:
    bridge = report("x", f"Two stories in one: {RETOLD[1].text}. And then: {RETOLD[3].text}", "2026-06-05")
    group = cluster([*(r.id for r in RETOLD), "x"], find_links([*RETOLD, bridge], encoder=default_encoder()), "loose")
    assert group["w1"] == group["w2"] != group["v1"]


def test_a_reviewers_no_keeps_two_reports_apart_and_a_yes_joins() -> None:
    links = [edge("a", "b", 0.99)]
    assert parts(cluster(["a", "b"], links, "normal", apart=[("b", "a")])) == {frozenset("a"), frozenset("b")}
    assert parts(cluster(["a", "b"], [edge("a", "b", 1.0, "review", "tight")], "tight")) == {frozenset("ab")}


def test_settings_are_nested() -> None:
    names = ["a", "b", "c", "d"]
    links = [edge("b", "a", 1.0, "exact", "tight"), edge("c", "b", 0.95), edge("d", "c", 0.8, merge="loose")]
    sizes = [len(parts(cluster(names, links, merge))) for merge in ("tight", "normal", "loose")]
    assert sizes == sorted(sizes, reverse=True)
    assert parts(cluster(names, links, "tight")) == {frozenset("ab"), frozenset("c"), frozenset("d")}


def test_ten_thousand_copies_are_one_incident_in_bounded_time() -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    reports = [
        Linkable(id=f"c{n:05d}", title="", text=LONG, created_at=start + timedelta(minutes=n)) for n in range(10_000)
    ]
    encoder, moment = Hashed(), time.perf_counter()
    links = find_links(reports, encoder=encoder)
    group = cluster([item.id for item in reports], links, "tight")
    assert time.perf_counter() - moment < 20
    assert set(group.values()) == {"c00000"}
    assert len(links) == 9_999
    assert encoder.encoded == 1


def test_a_report_is_compared_with_a_bounded_number_of_others() -> None:
    reports = [
        report(f"r{n:03d}", f"The agent deleted database number {n} of the shop. Order {n * 7}.") for n in range(200)
    ]
    links = find_links(reports, encoder=Hashed())
    per_report = [sum(link.report_id == item.id for link in links) for item in reports]
    assert max(per_report) <= CANDIDATES


def test_figures_and_addresses_are_read_alike() -> None:
    assert numbers("fifty-five thousand rows") == numbers("55k rows") == numbers("55,000 rows") == {55000.0}
    assert address_of("https://www.example.org/a/?b=1&utm_medium=x#c") == address_of("http://example.org/a?b=1")
    assert address_of("https://example.org/") is None
    assert address_of("http://[::1") is None
    assert content_of("[BUG] It pushed", "It pushed\n### Steps\n_No response_\nand left") == "It pushed. and left"


ENTRY = """# {name} Loss Incident - {when}

## Overview

**Company**: {company}<br>
**Victim**: {victim}<br>
**Date**: {when}<br>
**Failure Mode**: [Goal Misreading](../failure-modes/goal-misreading.md) + [Missing Stop](../failure-modes/missing-stop.md)<br>
**Impact**: {impact}
"""
ENTRIES = (
    (
        "Codex Ledger",
        "May 2026",
        "2026-05-20",
        "OpenAI",
        "a bakery in Graz",
        "all invoices of the spring were marked as paid",
    ),
    (
        "Gemini Photo",
        "November 2025",
        "2025-11-20",
        "Google",
        "a wedding photographer",
        "a drive with nine years of pictures was wiped",
    ),
    (
        "Claude Roster",
        "February 2026",
        "2026-02-20",
        "Anthropic",
        "a fire brigade",
        "the night shifts of March were given to nobody",
    ),
)


def test_entries_of_one_list_share_its_template_and_no_event() -> None:
    reports = [
        report(f"list:{n}", ENTRY.format(name=name, when=when, company=company, victim=victim, impact=impact),
               day, title=f"{name} Loss Incident - {when}")
        for n, (name, when, day, company, victim, impact) in enumerate(ENTRIES)
    ]  # fmt: skip
    for merge in ("tight", "normal", "loose"):
        assert len({line.incident for line in link_lines(reports, merge, encoder=default_encoder())}) == 3
    told = content_of(
        "",
        "**Victim**: a bakery<br>\n**The** agent read [the note](../notes/stop.md).\n- **Impact:** a flood\n- **Note:** none",
    )
    assert [line.strip() for line in told.split("\n")] == ["a bakery", "**The** agent read the note.", "a flood"]


def test_dates_in_the_text_place_the_event() -> None:
    posted = datetime(2026, 2, 10, tzinfo=UTC).date()
    windows, past = event_windows("Last July it dropped everything", posted)
    assert past
    assert windows == [(datetime(2025, 7, 1, tzinfo=UTC).date(), datetime(2025, 7, 31, tzinfo=UTC).date())]
    assert event_windows("It may march on", posted)[1] is False


def test_quality_on_the_shipped_texts() -> None:
    figures = measure(default_encoder())
    crossed, unseen = figures.cross_validated, figures.look_alikes_test["normal"]
    assert crossed.b_cubed_f1 >= 0.93
    assert crossed.look_alikes_joined <= 2
    assert unseen.look_alikes_joined <= 2
    # The card states what is measured: pages and commands print it beside each merge setting.
    stated = json.loads(CARD.read_text("utf-8"))["quality"]
    assert stated["cross_validated"]["b_cubed_f1"] == pytest.approx(crossed.b_cubed_f1, abs=0.005)
    for setting, own in figures.look_alikes_test.items():
        assert stated["look_alikes_test"][setting]["look_alikes_joined"] == own.look_alikes_joined


def told_on(name: str, tracker: str | None, title: str, day: str = "2026-03-02") -> Linkable:
    moment = datetime.fromisoformat(day).replace(tzinfo=UTC)
    return Linkable(id=name, title=title, text="", created_at=moment, witness=tracker, agents=("claude code",))


def test_two_users_of_one_tracker_who_complain_alike_tell_two_events() -> None:
    one, other = "Claude Code ignores the rules file and commits", "Claude Code ignores rules file, commits on its own"
    apart = [told_on("a", "github:o/r", one), told_on("b", "github:o/r", other)]
    assert len({line.incident for line in link_lines(apart)}) == 2
    # Also where a third report, from elsewhere, resembles both.
    news = told_on("c", None, "Claude Code ignores the rules file, commits on its own")
    ids = ["a", "b", "c"]
    links = [edge("c", "a", 0.999), edge("c", "b", 0.999), edge("b", "a", 0.999)]
    witnesses = {report.id: report.witness for report in (*apart, news)}
    grouped = cluster(ids, links, "normal", witnesses=witnesses)
    assert grouped["a"] != grouped["b"]
    assert cluster(ids, links, "normal")["a"] == cluster(ids, links, "normal")["b"]


def test_a_copy_on_the_same_tracker_is_still_a_copy() -> None:
    first = report("a", LONG).model_copy(update={"witness": "github:o/r"})
    again = report("b", LONG).model_copy(update={"witness": "github:o/r"})
    assert {line.incident for line in link_lines([first, again])} == {"1"}


def test_what_long_logs_share_is_no_sign_of_one_event() -> None:
    log = " ".join(
        f"at processTicksAndRejections internal process task_queues line {n} module anonymous" for n in range(60)
    )
    one = report("a", f"The agent renamed a column of the payroll table. {'It was a long day. ' * 40}{log}")
    other = report("b", f"The agent mailed a draft to our landlord. {'We had tea and cake. ' * 40}{log}")
    assert len({line.incident for line in link_lines([one, other])}) == 2


def test_a_hostile_address_stops_nothing() -> None:
    odd = [
        report(str(n), LONG, url=url)
        for n, url in enumerate(("http://[::1", "javascript:alert(1)", "//", "http://", "a" * 9999))
    ]
    assert {line.incident for line in link_lines(odd)} == {"1"}
