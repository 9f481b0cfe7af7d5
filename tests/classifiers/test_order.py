"""The order in which reports arrive, and the batches they arrive in, change no link and no group."""

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.linking.index import CANDIDATES, COPIES, Held, candidates, nothing_held
from tests.classifiers.test_link import LONG, RETOLD, Hashed
from tests.orders import cut, grouped, linked
from warehouse.schema.models import Linkable

START = datetime(2026, 3, 1, tzinfo=UTC)
# Chains of copies (the first and the last are none of each other), equal texts, one address, dates missing or equal.
EDITS = ("", "whole ", "weekend ", "nobody ", "asked ")
COPIED = [
    *(Linkable(id=f"e{n}", title="", text=LONG, created_at=START + timedelta(days=n % 3)) for n in range(5)),
    *(
        Linkable(id=f"n{n}", title="", text=LONG.replace(edit, "") + f" Seen again on page {n}.", created_at=START)
        for n, edit in enumerate(EDITS)
    ),
    Linkable(id="u1", title="", text=LONG[:90], created_at=START + timedelta(9), url="https://example.org/a"),
    Linkable(id="u2", title="", text="[deleted]", created_at=None, url="http://example.org/a?utm_source=x"),
    Linkable(id="z", title="", text="", created_at=None),
]
POOL = [*RETOLD, *COPIED]


@settings(max_examples=40)
@given(st.permutations(POOL), st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_any_order_in_any_batches_gives_the_same_links_and_groups(order: list[Linkable], sizes: list[int]) -> None:
    encoder = Hashed()
    expected, found = (linked(batches, encoder) for batches in ([POOL], cut(order, sizes)))
    told = {ends: (link.score, link.reason) for ends, link in expected.items() if link.method == "same_event"}
    assert told == {ends: (link.score, link.reason) for ends, link in found.items() if link.method == "same_event"}
    assert grouped(POOL, found.values()) == grouped(POOL, expected.values())


def _day(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if text and len(text) >= 10 else None


def test_the_real_posts_are_grouped_alike_in_any_order(shared: Path) -> None:
    lines = (shared / "gold" / "real.jsonl").read_text("utf-8").splitlines()
    items = [item for item in map(json.loads, lines) if item["kind"] in ("first_hand", "second_hand")]
    reports = [
        Linkable(
            id=item["id"],
            title=item["title"] or "",
            text=item["text"] or "",
            created_at=_day(item["created_at"]),
            url=item["url"],
        )
        for item in items
    ]
    assert len(reports) >= 150
    encoder = Hashed()
    expected = grouped(reports, linked([reports], encoder).values())
    for seed in range(3):
        draw = random.Random(seed)
        batches = cut(draw.sample(reports, len(reports)), [draw.randint(1, 60) for _ in range(9)])
        assert grouped(reports, linked(batches, encoder).values()) == expected


def test_the_earliest_of_equal_texts_speaks_whichever_came_first() -> None:
    early, late = (RETOLD[0].model_copy(update={"id": name, "created_at": START + timedelta(day)})
                   for name, day in (("early", -40), ("late", 0)))  # fmt: skip
    for batches in ([[late, RETOLD[1]], [early]], [[early], [late], [RETOLD[1]]]):
        links = linked(batches, Hashed())
        assert {ends for ends, link in links.items() if link.method == "exact"} == {("late", "early")}
        assert all("late" not in ends for ends, link in links.items() if link.method == "same_event")


def test_ten_thousand_near_copies_cost_a_bounded_number_of_comparisons_each() -> None:
    posts = [
        Linkable(
            id=f"c{n:05d}",
            title="",
            text=f"{LONG} Seen by {chr(97 + n % 26)}{chr(97 + n // 26 % 26)}{n // 676 * 'x'}y",
            created_at=START + timedelta(minutes=n),
        )
        for n in range(2000)
    ]
    links = linked([posts], Hashed())
    assert len(grouped(posts, links.values())["tight"]) == 1
    assert len(links) <= COPIES * len(posts)
    assert {link.method for link in links.values()} == {"near_duplicate"}


@pytest.mark.parametrize("seed", range(5))
def test_ranking_a_batch_is_ranking_each_in_turn(seed: int) -> None:
    draw = random.Random(seed)
    asking = {100 + n: {draw.randrange(40): draw.random() for _ in range(6)} for n in range(0, 60, 2)}
    entries = [(draw.randrange(40), number) for number in range(80) for _ in range(5)]
    import numpy as np

    def held(pairs: list[tuple[int, int]]) -> Held:
        columns = np.array(pairs, np.int64).reshape(-1, 2)
        return Held(columns[:, 0], columns[:, 1])

    entries = sorted(set(entries))
    at_once = candidates(asking, held(entries))
    for number, keys in asking.items():
        assert candidates({number: keys}, held(entries))[number] == at_once[number]
        assert len(at_once[number]) <= CANDIDATES
        entries += [(key, number) for key in keys]
    assert candidates({}, nothing_held()) == {}
    assert candidates({5: {}}, nothing_held()) == {5: []}
