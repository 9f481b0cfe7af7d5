"""Labelling on a Dask cluster of 1, 2 and 4 workers on this machine: the same lines, how fast, at what cost."""

import json
import time
from typing import TYPE_CHECKING, Any, Final

from classifiers.batches import as_batch, as_lines, label_batch
from classifiers.screen import screen
from flows.cluster import spread
from flows.files import post_of_item
from tests.bench import posts
from tests.bench.frame import Row, clocked, held_against
from warehouse.schema.models import Post

if TYPE_CHECKING:
    from distributed import Client

TITLE: Final = "Labelling on a cluster"
ABOUT: Final = (
    "Posts that the screen keeps are labelled by this process alone and by 1, 2 and 4 workers of a Dask cluster on the "
    "same machine, each with the instrument loaded, in batches of 16; the lines must be the same, byte for byte. Rates are on "
    "the wall here, since that is what workers are for: the ratio is the speed-up, bounded by the cores that are free. "
    "Processor seconds are those of all processes; the overhead is what they grow by for each post. On another kind of "
    "processor the last digits of a probability may differ."
)
WORKERS: Final = (1, 2, 4)
BATCH: Final = 16


def rows(*, small: bool) -> list[Row]:
    """Label the same posts alone and on clusters of each size."""
    drawn = [post_of_item(json.loads(line)) for line in posts.drawn(400 if small else 6000)]
    held = [post for post in drawn if screen(post).kept][: 2 * BATCH if small else 512]
    # The first post loads the instrument.
    loading, _ = clocked(lambda: label_batch(as_batch(held[:1])))
    alone, lines = clocked(
        lambda: [line for batch in _batches(held) for line in as_lines(label_batch(as_batch(batch)))]
    )
    n = len(held)
    baseline = Row("this process alone", n / alone.wall, "posts/s on the wall", n, alone.wall, alone.cpu)
    found = [baseline]
    told = {line.id: line.model_dump_json() for line in lines}
    for workers in WORKERS[:2] if small else WORKERS:
        found += _with_workers(workers, held, told, lines[0].instrument, baseline)
    return [*found, Row("loading the instrument", loading.wall, "s", 1, loading.wall, loading.cpu)]


def _batches(held: list[Post]) -> list[list[Post]]:
    return [held[first : first + BATCH] for first in range(0, len(held), BATCH)]


def _with_workers(workers: int, held: list[Post], told: dict[str, str], instrument: str, baseline: Row) -> list[Row]:
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=workers, threads_per_worker=1, dashboard_address=None, memory_limit=0, silence_logs="ERROR"
        ) as cluster,
        Client(cluster) as client,
    ):
        client.run(_load, json.dumps(held[0].model_dump()))
        before = _used(client)
        given = iter([[post.model_dump() for post in batch] for batch in _batches(held)])
        own, judged = clocked(
            lambda: list(spread(given, cluster.scheduler_address, Post.model_validate, instrument=instrument))
        )
        used = own.cpu + _used(client) - before
    lines = {line.id: line.model_dump_json() for _, lines in judged for line in lines}
    same = sum(told[id_] == line for id_, line in lines.items())
    n = len(held)
    rate = Row(f"{workers} workers", n / own.wall, "posts/s on the wall", n, own.wall, used)
    cpu = baseline.cpu or 0.0
    return [
        held_against(rate, baseline),
        Row(f"overhead of {workers} workers", 1000 * (used - cpu) / n, "processor ms/post", n),
        Row(f"lines of {workers} workers equal to those of one process", same / n, "share", n),
    ]


def _load(post: str) -> None:
    label_batch(as_batch([Post.model_validate_json(post)]))


def _used(client: "Client") -> float:
    found: dict[str, Any] = client.run(time.process_time)
    return float(sum(found.values()))
