"""What derives from what, and what a text says of when and by how many."""

from datetime import UTC, datetime

import pytest

from classifiers.linking import derive, facts
from tests.classifiers.test_link import LONG, report
from warehouse.schema.models import Linkable


def first(name: str, text: str, day: str = "2026-03-02", url: str | None = None) -> Linkable:
    return report(name, text, day, url=url).model_copy(update={"kind": "first_hand"})


def later(name: str, text: str, day: str = "2026-03-09") -> Linkable:
    return report(name, text, day).model_copy(update={"kind": "second_hand"})


ORIGIN = first("a", LONG, url="https://example.org/posts/1")


def test_a_copy_a_link_a_quote_and_a_retelling_derive_from_the_origin() -> None:
    copied = first("b", LONG, "2026-03-03")
    linking = first("c", "Look what happened at https://www.example.org/posts/1?utm_source=x.", "2026-03-04")
    quoting = first("d", f"Somebody wrote: {LONG[:170]} I cannot believe it.", "2026-03-05")
    telling = later("e", "A bookkeeping agent closed a quarter by itself, it is said.")
    found = derive([telling, quoting, linking, copied, ORIGIN], [("b", "a")])
    assert {name: (item.derived_from, item.method) for name, item in found.items()} == {
        "b": ("a", "copy"),
        "c": ("a", "link"),
        "d": ("a", "quote"),
        "e": ("a", "second_hand"),
    }


def test_two_first_hand_accounts_stand_by_themselves() -> None:
    assert derive([ORIGIN, first("b", "Our agent paid forty-one invoices on its own.", "2026-03-04")]) == {}


def test_what_passes_on_a_copy_passes_on_its_origin_and_the_earliest_has_none() -> None:
    found = derive(
        [later("n", LONG, "2026-03-01"), first("o", LONG, "2026-03-05"), later("p", LONG)], [("o", "n"), ("p", "o")]
    )
    assert {name: item.derived_from for name, item in found.items()} == {"o": "n", "p": "n"}


def test_order_does_not_matter_and_undated_ones_come_last() -> None:
    undated = later("u", "An agent closed the quarter, they say.").model_copy(update={"created_at": None})
    reports = [ORIGIN, undated, later("e", "A bookkeeping agent closed a quarter by itself.")]
    assert derive(reports) == derive(reports[::-1])
    assert set(derive(reports)) == {"u", "e"}


@pytest.mark.parametrize(
    ("text", "occurred", "disclosed"),
    [
        ("On 4 February 2026 it dropped the table.", ("2026-02-04", "day"), (None, "unknown")),
        ("It happened in January and nobody saw it.", ("2026-01-01", "month"), (None, "unknown")),
        ("It dropped the table. The vendor disclosed it on 2026-02-11.", (None, "unknown"), ("2026-02-11", "day")),
        ("2026-02-03 log: rm -rf. Announced 1 March 2026 by the vendor.", ("2026-02-03", "day"), (None, "unknown")),
        ("With version 2 released on 2026-02-01 it may march on.", (None, "unknown"), (None, "unknown")),
        ("On the 24th of February it is to move the table; on March 3 too.", (None, "unknown"), (None, "unknown")),
        ("On 14 December it moved the table.", ("2025-12-14", "day"), (None, "unknown")),
        ("It will happen in December 2027.", (None, "unknown"), (None, "unknown")),
    ],
)
def test_dates_told_are_kept_apart_with_their_precision(
    text: str, occurred: tuple[str | None, str], disclosed: tuple[str | None, str]
) -> None:
    posted = datetime(2026, 2, 20, tzinfo=UTC)
    found = facts(Linkable(id="a", title="", text=text, created_at=posted))
    day = found.occurred_at.date().isoformat() if found.occurred_at else None
    other = found.disclosed_at.date().isoformat() if found.disclosed_at else None
    assert (day, found.occurred_precision) == occurred
    assert (other, found.disclosed_precision) == disclosed


def test_several_agents_only_where_the_text_says_so() -> None:
    assert facts(report("a", "It told another agent to delete the log.")).several_agents == "yes"
    assert facts(report("a", "It deleted the log.")).several_agents == "unknown"
