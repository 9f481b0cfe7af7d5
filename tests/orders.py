"""What the order of arrival changes: `python -m tests.orders X.duckdb`, on the strict reports of a linked working file.

The reports are compared anew, from an empty index: in the order of their dates at once, then shuffled and in batches.
Printed are the links that only one of the two found, and the groups that stand in one of the two only. The index is
kept in memory and bounded as in the warehouse; vectors are those stored in the file.
"""

import argparse
import random
import sys
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from classifiers.encoder import Encoder, default_encoder
from classifiers.linking import Held, Index, Stored, cluster, compare_new
from classifiers.linking.clues import read
from flows.link import as_linkable
from warehouse import linking
from warehouse.linking import PER_KEY
from warehouse.schema.models import MERGES, Link, Linkable

Groups = Mapping[str, set[frozenset[str]]]


class Memory:
    """An index without a warehouse, and the links found so far."""

    def __init__(self) -> None:
        self.keys: dict[str, dict[int, set[int]]] = {"copies": defaultdict(set), "events": defaultdict(set)}
        self.stored: dict[int, Stored] = {}
        self.links: dict[tuple[str, str], Link] = {}

    def add(self, reports: Sequence[Linkable], encoder: Encoder) -> None:
        """Compare reports with what is held, and file them."""
        index = Index(self._under("copies"), self._under("events"), self._filed, len(self.stored) + 1)
        found = compare_new(reports, index, encoder=encoder)
        copies = {entry.report.id for entry in found.entries if entry.number in self.stored}
        self.links = {
            ends: link
            for ends, link in self.links.items()
            if link.method != "same_event" or not copies & {link.report_id, link.linked_to}
        }
        self.links |= {(link.report_id, link.linked_to): link for link in found.links}
        for entry in found.entries:
            for name, own in (("copies", entry.copies), ("events", entry.events)):
                if entry.number in self.stored:
                    for numbers in self.keys[name].values():
                        numbers.discard(entry.number)
                for key in own:
                    self.keys[name][key].add(entry.number)
            self.stored[entry.number] = Stored(entry.report, entry.vector)
        for held in self.keys.values():
            for key, numbers in held.items():
                if len(numbers) > 2 * PER_KEY:
                    held[key] = set(sorted(numbers)[-PER_KEY:])

    def _under(self, name: str) -> Callable[[Collection[int]], Held]:
        def under(keys: Collection[int]) -> Held:
            pairs = [(key, number) for key in keys for number in self.keys[name].get(key, ())]
            columns: NDArray[np.int64] = np.array(pairs, np.int64).reshape(-1, 2)
            return Held(columns[:, 0], columns[:, 1])

        return under

    def _filed(self, numbers: Collection[int]) -> Mapping[int, Stored]:
        return {number: self.stored[number] for number in numbers}


def linked(batches: Iterable[Sequence[Linkable]], encoder: Encoder) -> dict[tuple[str, str], Link]:
    """Compare batches as they arrive; return all links by their ends."""
    memory = Memory()
    for batch in batches:
        memory.add(batch, encoder)
    return memory.links


def grouped(reports: Sequence[Linkable], links: Collection[Link]) -> Groups:
    """Return the groups under each setting as sets of ids."""
    witnesses = {report.id: report.witness for report in reports}
    found: dict[str, set[frozenset[str]]] = {}
    for setting in MERGES:
        groups = defaultdict(set)
        for report, key in cluster(
            [report.id for report in reports], list(links), setting, witnesses=witnesses
        ).items():
            groups[key].add(report)
        found[setting] = {frozenset(group) for group in groups.values()}
    return found


def cut(reports: Sequence[Linkable], sizes: Sequence[int]) -> list[Sequence[Linkable]]:
    """Cut reports into batches of these sizes, over and over."""
    batches, at, turn = [], 0, 0
    while at < len(reports):
        batches.append(reports[at : at + sizes[turn % len(sizes)]])
        at, turn = at + sizes[turn % len(sizes)], turn + 1
    return batches


class _Kept:
    """An encoder that knows the vectors a file holds, and encodes the rest."""

    def __init__(self, vectors: Mapping[str, NDArray[np.float32]]) -> None:
        self._vectors = dict(vectors)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        for text in texts:
            if text not in self._vectors:
                self._vectors[text] = default_encoder().encode([text])[0]
        return np.stack([self._vectors[text] for text in texts])


def _held(db: Path) -> tuple[list[Linkable], Encoder]:
    with duckdb.connect(str(db), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        rows = con.execute("SELECT report_id, vector FROM report_facts WHERE vector IS NOT NULL").fetchall()
        vectors = {report: np.frombuffer(vector, np.float16).astype(np.float32) for report, vector in rows}
        strict = [report for (report,) in con.execute("SELECT report_id FROM report_facts").fetchall()]
        reports = [as_linkable(row) for row in linking.reports(con, strict)]
    return reports, _Kept({read(report).lead: vectors[report.id] for report in reports if report.id in vectors})


def main() -> int:
    """Print what each shuffle changes."""
    parser = argparse.ArgumentParser(prog="python -m tests.orders", description=__doc__)
    parser.add_argument("db", type=Path, metavar="X.duckdb")
    parser.add_argument("--shuffles", type=int, default=8)
    given = parser.parse_args()
    reports, encoder = _held(given.db)
    first = linked([reports], encoder)
    groups = grouped(reports, first.values())
    counts = ", ".join(f"{setting} {len(groups[setting])}" for setting in MERGES)
    sys.stdout.write(f"{len(reports)} strict reports, {len(first)} links; groups: {counts}\n")
    for seed in range(given.shuffles):
        draw = random.Random(seed)
        shuffled = draw.sample(reports, len(reports))
        sizes = [draw.choice((1, 10, 100, 1000)) for _ in range(20)]
        links = linked(cut(shuffled, sizes), encoder)
        other = grouped(reports, links.values())
        changed = ", ".join(f"{setting} {len(groups[setting] - other[setting])}" for setting in MERGES)
        sys.stdout.write(
            f"shuffle {seed}: {len(first.keys() - links.keys())} links not found, {len(links.keys() - first.keys())} "
            f"found besides; groups that changed: {changed}\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
