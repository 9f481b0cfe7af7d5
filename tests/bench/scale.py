"""How much a laptop, one server and a cluster can read in a day, where the next wall is, what it costs.

`python -m tests.bench.scale` writes docs/scale.md. Costs of each stage are the bench's, read from bench/results.json;
volumes and prices are published ones, each with its source; everything else is a named assumption with a range.
"""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from tests.bench import frame
from tests.bench.page import amount
from tests.conftest import ROOT

PAGE: Final = ROOT / "docs" / "scale.md"
DAY: Final = 86_400.0


@dataclass(frozen=True)
class Range:
    """A figure with its least and most, and where it comes from."""

    low: float
    high: float
    source: str

    def __str__(self) -> str:
        return amount(self.low) if self.low == self.high else f"{amount(self.low)} to {amount(self.high)}"


@dataclass(frozen=True)
class Costs:
    """Processor seconds a post, by stage; reading is everything until a post is stored, judging is by kept post."""

    screen: float
    store: float
    judge: float
    link: float
    publish: float
    bytes: float
    spread: float


@dataclass(frozen=True)
class Tier:
    """Machines: cores that read, write and link, cores that judge (0: the same ones), and how they are set up."""

    name: str
    writing: int
    judging: int
    setup: str

    @property
    def cores(self) -> int:
        return self.writing + self.judging


@dataclass(frozen=True)
class Stream:
    """Posts a day as published, the share of them that the screen keeps, and whether each is stored or only kept ones."""

    name: str
    posts: Range | None
    kept: Range
    stored: bool
    bound: str


TIERS: Final = (
    Tier("laptop", 1, 0, "one process does everything in turn (`offscript serve`); one core, the other is the user's"),
    Tier("one server, 8 cores", 1, 7, "one writer, seven Dask workers (`OFFSCRIPT_CLUSTER`)"),
    Tier("cluster, 65 cores", 1, 64, "one writer, 64 Dask workers on any machines"),
)
BUSY: Final = Range(0.5, 0.8, "assumption: the share of a day a core may work without a queue that grows")
CORE: Final = Range(0.5, 1.0, "assumption: a rented core is half as fast as, or as fast as, the one measured")
PRICE: Final = Range(
    0.011 / 4,
    0.016 / 4,
    "€ an hour for a core: cx33 and cpx32 of 4 cores as listed at https://docs.cnap.tech/compute/providers/hetzner "
    "(read 2026-11-21; prices rose in June 2026, https://cloudtally.eu/blog/hetzner-june-2026-price-increase)",
)
X_PRICE: Final = 0.005
X_CAP: Final = 2_000_000
STREAMS: Final = (
    Stream(
        "Bluesky, every post",
        Range(
            2.2e6,
            1.41e9 / 365,
            "2.2 million a day read from the firehose, March 2026 (https://dev.to/arielle_houlier_21f42996e/"
            "building-real-time-bluesky-analytics-ingesting-22m-postsday-from-the-firehose-ccm); 1.41 billion in 2025 by the "
            "transparency report (https://www.globaldatinginsights.com/featured/bluesky-publishes-first-transparency-report-for-2025)",
        ),
        Range(1e-4, 1e-2, "assumption: no share has been published; one post in 10,000 to one in 100"),
        stored=False,
        bound="free; Jetstream hands out 36 hours of the past",
    ),
    Stream(
        "X, posts that match queries on scheming",
        Range(
            3_391_950 / 152,
            3_391_950 / 152,
            "3,391,950 posts from 2025-10-12 to 2026-03-12 (https://arxiv.org/abs/2604.09104)",
        ),
        Range(
            183_420 / 3_391_950,
            183_420 / 3_391_950,
            "183,420 of them kept by that study's own pre-screening (same source)",
        ),
        stored=True,
        bound=f"${X_PRICE} a post read (https://docs.x.com/x-api/getting-started/pricing.md), at most {X_CAP:,} a month "
        "(https://docs.x.com/x-api/fundamentals/post-cap.md)",
    ),
    Stream(
        "Reddit, as much as the Data API gives one key",
        Range(
            100 * 100 * 60 * 24,
            100 * 100 * 60 * 24,
            "100 requests a minute of 100 items; how many are written a day was not found published, so it is not used",
        ),
        Range(1e-4, 1e-2, "assumption: as for Bluesky; no share has been published"),
        stored=False,
        bound="keys after approval only; of a dump every post is counted, few are stored",
    ),
)
_NEEDED: Final = {
    "screen": (("screen", "screen"), ("screen", "parse lines"), ("screen", "map to a report")),
    "store": (("ingest", "into a warehouse of 5,000,000"),),
    "judge": (("cascade", "the cascade, by post encoded"),),
    "link": (("pipeline", "link"),),
}


class NotMeasuredError(LookupError):
    """The file lacks a figure; the message names the part to run."""


def value(found: dict[str, Any], part: str, name: str) -> float:
    """Return one figure of the bench."""
    for row in found.get(part, {"rows": ()})["rows"]:
        if row["name"] == name:
            return float(row["value"])
    msg = f"{name!r} is not in the file: python -m tests.bench {part}"
    raise NotMeasuredError(msg)


def costs(found: dict[str, Any]) -> Costs:
    """Return what a post costs at each stage, from the bench's rates."""
    stage = {name: sum(1 / value(found, part, row) for part, row in rows) for name, rows in _NEEDED.items()}
    reports = (
        next(row["n"] for row in found["publish"]["rows"] if row["name"] == "publish") if "publish" in found else 0
    )
    publish = value(found, "publish", "publish") / max(reports, 1)
    # Of one worker: where several share a core, what they take from each other is no cost of the way.
    spread = max(value(found, "cluster", "overhead of 1 workers") / 1000, 0.0)
    return Costs(**stage, publish=publish, bytes=value(found, "pipeline", "working file"), spread=spread)


@dataclass(frozen=True)
class Reach:
    """Posts a day that a tier can read of a stream, and the stage that it would be stopped by."""

    posts: float
    wall: str


def reach(tier: Tier, stream: Stream, cost: Costs, *, core: float, busy: float, kept: float) -> Reach:
    """Return how many posts a day a tier reads at most.

    Every post read is screened; every post, or only kept ones, stored; every kept post is judged and looked up among
    what is linked. Without cores of their own for judging, one core does all in turn.
    """
    second = DAY * core * busy
    written = cost.screen + (cost.store if stream.stored else kept * cost.store) + kept * cost.link
    judged = kept * (cost.judge + (cost.spread if tier.judging else 0.0))
    if not tier.judging:
        parts = {"screening": cost.screen, "storing": written - cost.screen - kept * cost.link, "judging": judged}
        return Reach(second * tier.writing / (written + judged), max(parts, key=lambda name: parts[name]))
    found = {"the one writer": second * tier.writing / written, "judging": second * tier.judging / judged}
    wall = min(found, key=lambda name: found[name])
    return Reach(found[wall], wall)


def span(tier: Tier, stream: Stream, cost: Costs) -> tuple[Reach, Reach]:
    """Return the least and the most that the ranges allow."""
    low = reach(tier, stream, cost, core=CORE.low, busy=BUSY.low, kept=stream.kept.high)
    return low, reach(tier, stream, cost, core=CORE.high, busy=BUSY.high, kept=stream.kept.low)


def rounded(number: float) -> str:
    """Return a count with two digits: a model knows no more."""
    for size, name in ((1e9, " billion"), (1e6, " million")):
        if number >= size:
            return f"{rounded(number / size)}{name}"
    two = float(f"{max(number, 0):.2g}")
    return f"{two:,.0f}" if two >= 10 or two == int(two) else f"{two:g}"


def text(found: dict[str, Any]) -> str:
    """Return the page."""
    cost = costs(found)
    return "\n".join([*_intro(), *_stages(found, cost), *_tiers(cost), *_walls(found, cost), *_assumptions()]) + "\n"


def _intro() -> list[str]:
    return [
        "# How far it reaches",
        "",
        "Written by `python -m tests.bench.scale`. What a post costs is the bench's, read from",
        "[bench/results.json](../bench/results.json) ([bench.md](bench.md) explains each figure); volumes and prices are published",
        "ones with their source; what is neither is named an assumption and has a range. A model, not a measurement:",
        "nothing of this size has been run.",
        "",
    ]


def _stages(found: dict[str, Any], cost: Costs) -> list[str]:
    names = {
        "screen": ("every post: parse, map, screen", "screen"),
        "store": ("every post stored: fetched, stored with its cursor, 5 million held", "ingest"),
        "judge": ("every post kept: encoded and judged", "cascade"),
        "link": ("every post judged: looked up among those linked", "pipeline"),
        "publish": ("every report held, at each publishing (on the wall)", "publish"),
        "spread": ("every post judged by a worker: the way there and back", "cluster"),
    }
    lines = ["## What a post costs", "", "| stage | milliseconds | measured |", "| --- | --- | --- |"]
    for field, (told, part) in names.items():
        lines.append(f"| {told} | {amount(1000 * getattr(cost, field))} | {part}, {found[part]['date']} |")
    lines.append(f"| on disk | {amount(cost.bytes)} bytes | pipeline, {found['pipeline']['date']} |")
    return [*lines, ""]


def _tiers(cost: Costs) -> list[str]:
    lines = ["## What each tier can read in a day", ""]
    lines += [
        "| tier | stream | posts a day | of what is published | the wall | € a month |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for tier in TIERS:
        money = f"{tier.cores * 24 * 30 * PRICE.low:,.0f} to {tier.cores * 24 * 30 * PRICE.high:,.0f}"
        for stream in STREAMS:
            low, high = span(tier, stream, cost)
            there = "unknown"
            if stream.posts:
                there = f"{rounded(low.posts / stream.posts.high)} to {rounded(high.posts / stream.posts.low)} times"
            wall = low.wall if low.wall == high.wall else f"{low.wall}, or {high.wall}"
            lines.append(
                f"| {tier.name} | {stream.name} | {rounded(low.posts)} to {rounded(high.posts)} | {there} | {wall} | {money} |"
            )
    lines += ["", *(f"- **{tier.name}**: {tier.setup}." for tier in TIERS), ""]
    return lines


def _walls(found: dict[str, Any], cost: Costs) -> list[str]:
    hour = 3600 / cost.publish
    x = STREAMS[1]
    if x.posts is None:
        return []
    a_month = x.posts.low * 30
    bluesky = STREAMS[0]
    least, most = (0.0, 0.0)
    if bluesky.posts:
        least = bluesky.posts.low * bluesky.kept.low * 365 * cost.bytes / 1e9
        most = bluesky.posts.high * bluesky.kept.high * 365 * cost.bytes / 1e9
    return [
        "## Walls that more cores do not move",
        "",
        f"- **Money, on X**: the published query stream is {rounded(a_month)} posts a month: ${a_month * X_PRICE:,.0f} at ${X_PRICE} each, "
        f"{a_month / X_CAP:.0%} of what pay-per-use allows. `OFFSCRIPT_X_MONTHLY_DOLLARS` stops before a sum is passed.",
        f"- **Publishing**: at {amount(1000 * cost.publish)} ms a report on the wall, an hour is not enough for more than {rounded(hour)} reports "
        "(kept posts, of all time); then publish less often, or publish from a lake's versions.",
        f"- **Disk**: the kept posts of Bluesky are {amount(least)} to {amount(most)} GB a year with texts and raw payloads; retention "
        "deletes texts, labels stay.",
        _writers(found),
        "",
    ]


def _writers(found: dict[str, Any]) -> str:
    if "writers" not in found:
        return (
            "- **One writer**: a working file has one; a shared lake has any number, whose transactions take turns. What that gives is not "
            "measured yet: `python -m tests.bench writers`."
        )
    one, two, four = (value(found, "writers", f"{count} writers, taking turns") for count in (1, 2, 4))
    anyhow = value(found, "writers", "4 writers, left to DuckLake")
    refused = value(found, "writers", "4 writers, left to DuckLake: refused")
    return (
        "- **One writer**: a working file has one; a shared lake has any number, whose transactions take turns, because DuckLake knows no "
        f"unique keys. One process stores {amount(one)} pages of 1,000 posts a second there, two together {amount(two)}, four {amount(four)} "
        f"(measured on {found['writers']['machine']['cores']} cores, which the catalogue's PostgreSQL shares): reading, screening and judging "
        f"spread over machines, storing does not. Without turns four store {amount(anyhow)}, with {amount(refused)} pages refused and stored again "
        "on the way, and nothing would keep one post from being stored twice."
    )


def _assumptions() -> list[str]:
    lines = ["## Where the other figures come from", ""]
    lines += [f"- {told}: {item} - {item.source}" for told, item in _named()]
    return [*lines, *(f"- {stream.name}: {stream.bound}" for stream in STREAMS)]


def _named() -> Iterable[tuple[str, Range]]:
    yield "how busy a core may be", BUSY
    yield "how fast a core is", CORE
    yield "what a core costs", PRICE
    for stream in STREAMS:
        if stream.posts:
            yield f"{stream.name}, posts a day", stream.posts
        yield f"{stream.name}, share kept", stream.kept


def main() -> int:
    """Write the page; 1 if a figure is missing."""
    try:
        PAGE.write_text(text(frame.read()), "utf-8")
    except NotMeasuredError as error:
        sys.stderr.write(f"docs/scale.md is not written: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
