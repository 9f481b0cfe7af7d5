"""Streams with a planted rise, run through the real pipeline: collect, label, link, trends.

The texts are made by `texts`. Each distinct text is judged once by the shipped instrument and encoded once; label and
vector are then found by the text's hash in every stream that draws it, because neither depends on what stands beside
the text. Importing, screening, linking, grouping and counting run anew in every stream.
"""

import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast
from unittest import mock

import duckdb

from classifiers.encoder import Encoder, default_encoder
from classifiers.label import Labeller, encode_each, load_labeller
from flows import collect, steps
from flows.collect import Coverage
from tests.simulation import texts
from warehouse import runs
from warehouse.connect import open_working
from warehouse.schema.models import LabelLine, Merge, Post
from warehouse.trends.corrected import Cell, LinkError, correct, corrected_ratio
from warehouse.trends.estimates import Estimate
from warehouse.trends.series import counted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MONTHS: Final = tuple(datetime(2025 + (11 + k) // 12, (11 + k) % 12 + 1, 1, tzinfo=UTC) for k in range(5))
RISE: Final = 4.9
FIRST_MONTH: Final = 12.0
EVENTS: Final = 240
RETOLD: Final = 0.28
NOISE: Final = 30
LOOK_ALIKES: Final = 6
# Seeds below this one served to choose how much more a link must stand out in a crowd: they are not reported.
FIRST_SEED: Final = 2000
POOL_OF_NOISE: Final = 200
POOL_OF_LOOK_ALIKES: Final = 80
AUDITED: Final = 40
# Under tight merging each telling counts; an event has m of them: variance over mean of their number is E[m²] / E[m].
DISPERSION: Final[dict[Merge, float]] = {
    "tight": (RETOLD * (1 - RETOLD) + RETOLD / 2 * (1 - RETOLD / 2)) / (1 + 1.5 * RETOLD) + 1 + 1.5 * RETOLD,
    "normal": 1.0,
}
# First-hand accounts stand on the tracker of their agent, as most do in life; what passes them on stands elsewhere.
_ELSEWHERE: Final = ("reddit:r/agents", "hackernews", "reddit:r/coding")


@dataclass
class Once:
    """Judges and encodes each distinct text once."""

    labeller: Labeller
    encoder: Encoder
    labels: dict[tuple[str, str, str], LabelLine] = field(default_factory=dict)
    vectors: dict[str, "NDArray[np.float32]"] = field(default_factory=dict)

    @property
    def instrument(self) -> str:
        """The shipped instrument's exact version."""
        return self.labeller.instrument

    def label(self, posts: Sequence[Post]) -> list[LabelLine]:
        """Return the label of each post, from memory where its text was judged before."""
        found = []
        for post in posts:
            key = (post.source, post.title, post.text)
            if key not in self.labels:
                (self.labels[key],) = self.labeller.label([post])
            found.append(self.labels[key].model_copy(update={"id": post.id}))
        return found

    def encode(self, given: Sequence[str]) -> "NDArray[np.float32]":
        """Return the unit vector of each text."""
        import numpy as np

        for text in given:
            if text not in self.vectors:
                self.vectors[text] = encode_each(self.encoder, [text])[0]
        return np.stack([self.vectors[text] for text in given]) if given else np.zeros((0, 384), dtype=np.float32)


def load() -> Once:
    """Return the shipped instrument, with nothing judged yet."""
    return Once(load_labeller(), default_encoder())


@dataclass(frozen=True)
class Made:
    """One post of a stream and what is true of it: the event it tells, None if it tells none."""

    id: str
    at: datetime
    source: str
    title: str
    text: str
    event: int | None

    def line(self) -> str:
        """Return it as a line to import."""
        item = {"id": self.id, "source": self.source, "url": None, "created_at": self.at.isoformat()}
        return json.dumps({**item, "title": self.title, "text": self.text})


@dataclass(frozen=True)
class Outcome:
    """What one stream came to under one merge setting: events of the first and last month, and three ratios."""

    merge: Merge
    true: tuple[int, int]
    found: tuple[int, int]
    exact: Estimate
    dispersed: Estimate
    corrected: Estimate


def means() -> list[float]:
    """Return the planted mean of events of each month: an even rise to `RISE` times the first."""
    last = len(MONTHS) - 2
    return [FIRST_MONTH * RISE ** (k / last) for k in range(last + 1)]


def stream(seed: int) -> list[Made]:
    """Return the posts of one stream: Poisson events, each retold now and then, among ordinary and look-alike posts."""
    import numpy as np

    rng = random.Random(seed)
    counts = [int(n) for n in np.random.default_rng(seed).poisson(means())]
    chosen = iter(rng.sample(range(EVENTS), min(sum(counts), EVENTS)))
    made: list[Made] = []

    def add(name: str, at: datetime, told: tuple[str, str], event: int | None, *, again: bool = False) -> None:
        agent = next(agent for agent in texts.AGENTS if agent in " ".join(told))
        source = f"github_issue:made/{agent.lower().replace(' ', '-')}"
        if again:
            source = _ELSEWHERE[len(told[1]) % len(_ELSEWHERE)]
        made.append(Made(f"{seed}-{name}", at, source, *told, event))

    for start, end, count in zip(MONTHS, MONTHS[1:], counts, strict=False):
        seconds = (end - start).total_seconds()
        for number in [next(chosen) for _ in range(count)]:
            event, at = texts.event(number), start + timedelta(seconds=rng.random() * seconds)
            add(f"e{number}-0", at, texts.tell(event, 0), number)
            for telling in range(1, 3):
                later = at + timedelta(days=rng.expovariate(1 / 4))
                if rng.random() < RETOLD / telling and later < MONTHS[-1]:
                    add(f"e{number}-{telling}", later, texts.tell(event, telling), number, again=True)
        for kind, pool, many, tell in (
            ("n", POOL_OF_NOISE, NOISE, texts.noise),
            ("l", POOL_OF_LOOK_ALIKES, LOOK_ALIKES, texts.look_alike),
        ):
            for number in rng.sample(range(pool), many):
                at = start + timedelta(seconds=rng.random() * seconds)
                add(f"{kind}{number}-{start.month}", at, tell(number), None)
    return sorted(made, key=lambda post: post.at)


def run(seed: int, once: Once, folder: Path) -> list[Outcome]:
    """Run one stream through the pipeline and compare what it counts, tight and normal, with what was planted."""
    posts = stream(seed)
    file, db = folder / f"{seed}.jsonl", folder / f"{seed}.duckdb"
    file.write_text("".join(f"{post.line()}\n" for post in posts), "utf-8")
    with mock.patch("classifiers.encoder.default_encoder", lambda: once), open_working(db) as con:
        run_id = runs.start(con, "simulation", "simulation")
        collect.load_platforms(con)
        coverage = Coverage("read", MONTHS[0], MONTHS[-1])
        collect.import_file(con, file, coverage=coverage, key=b"k", run_id=run_id)
        steps.screen_pending(con, key=b"k", run_id=run_id)
        steps.label_pending(con, cast(Labeller, once), run_id=run_id)
        steps.link_pending(con, run_id=run_id)
        settings: tuple[Merge, ...] = ("tight", "normal")
        found = [_outcome(con, posts, setting, seed) for setting in settings]
    for path in (file, db):
        path.unlink()
    return found


def _outcome(con: duckdb.DuckDBPyConnection, posts: Sequence[Made], merge: Merge, seed: int) -> Outcome:
    line = counted(con, merge=merge).lines[0]
    assert line.ratio is not None, line.reason
    ratio, last = line.ratio, len(MONTHS) - 2
    wide = next(item for item in ratio.over_dispersed if item.dispersion == 2.9)
    audits = [_audit(con, posts, number, seed, merge) for number in (0, last)]
    days = [(MONTHS[k + 1] - MONTHS[k]).days for k in (0, last)]
    n = ratio.before + ratio.after
    return Outcome(
        merge=merge,
        true=(_events(posts, 0), _events(posts, last)),
        found=(ratio.before, ratio.after),
        exact=Estimate(ratio.ratio, ratio.exact.low, ratio.exact.high, n, ratio.exact.test),
        dispersed=Estimate(ratio.ratio, wide.low, wide.high, n, wide.test),
        corrected=corrected_ratio(audits[0], audits[1], exposure=(days[0], days[1]), dispersion=DISPERSION[merge]),
    )


def _events(posts: Sequence[Made], month: int) -> int:
    """Return how many events were first told in a month."""
    first: dict[int, datetime] = {}
    for post in posts:
        if post.event is not None:
            first.setdefault(post.event, post.at)
    return sum(MONTHS[month] <= at < MONTHS[month + 1] for at in first.values())


def _audit(con: duckdb.DuckDBPyConnection, posts: Sequence[Made], month: int, seed: int, merge: Merge) -> Estimate:
    """Audit a month: kept posts drawn at random among flagged and others, judged without error; correct its count."""
    truth = {post.id: post.event is not None for post in posts}
    rows: list[tuple[Any, ...]] = con.execute(
        "SELECT DISTINCT w.given_id, l.is_strict, g.group_key FROM reports r "
        "JOIN raw_items w USING (report_id) JOIN current_labels l USING (report_id) "
        "LEFT JOIN groupings g ON g.report_id = r.report_id AND g.merge = $merge "
        "LEFT JOIN group_facts f ON f.merge = $merge AND f.group_key = g.group_key "
        "WHERE coalesce(f.first_reported_at, r.created_at) >= $start "
        "AND coalesce(f.first_reported_at, r.created_at) < $end ORDER BY ALL",
        {"merge": merge, "start": MONTHS[month], "end": MONTHS[month + 1]},
    ).fetchall()
    rng = random.Random(f"audit {seed} {month}")
    sizes = Counter(row[2] for row in rows if row[1])
    cells = []
    for flagged in (True, False):
        own = [row for row in rows if row[1] is flagged]
        drawn = rng.sample(own, min(AUDITED, len(own)))
        answers = tuple((truth[row[0]], sizes[row[2]] if flagged else 1) for row in drawn)
        cells.append(Cell("all", flagged, len(own), len(sizes) if flagged else 0, answers))
    return correct(cells, list(sizes.values()), LinkError(1, 1, 1, 0, "joining is not corrected for here")).events
