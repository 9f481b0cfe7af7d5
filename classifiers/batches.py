"""Labelling as a pure function over Arrow: posts in, label lines out, in the same order.

It is what a worker of a cluster runs and what a process by itself runs; each process loads the instrument once.
"""

import threading
from collections.abc import Sequence
from functools import cache
from typing import Final

import pyarrow as pa

from classifiers.label import Labeller, load_labeller
from warehouse.schema.models import LabelLine, Post

POSTS: Final = pa.schema([(name, pa.string()) for name in ("id", "source", "title", "text", "lang")])
LINES: Final = pa.schema([("id", pa.string()), ("line", pa.string())])
# A worker with several threads would load the instrument in each and gain nothing: one text keeps one core busy.
_ONE = threading.Lock()


def as_batch(posts: Sequence[Post]) -> pa.RecordBatch:
    """Return posts as Arrow (schema `POSTS`)."""
    return pa.RecordBatch.from_pylist([post.model_dump() for post in posts], schema=POSTS)


def as_lines(judged: pa.RecordBatch) -> list[LabelLine]:
    """Return the label lines of a judged batch (schema `LINES`)."""
    return [LabelLine.model_validate_json(line) for line in judged.column("line").to_pylist()]


def label_batch(posts: pa.RecordBatch) -> pa.RecordBatch:
    """Judge posts by the shipped instrument: `POSTS` in, `LINES` out, same order."""
    with _ONE:
        return judge_batch(_shipped(), posts)


def judge_batch(labeller: Labeller, posts: pa.RecordBatch) -> pa.RecordBatch:
    """Judge posts by this instrument."""
    lines = labeller.label([Post.model_validate(row) for row in posts.to_pylist()])
    found = [{"id": line.id, "line": line.model_dump_json()} for line in lines]
    return pa.RecordBatch.from_pylist(found, schema=LINES)


@cache
def _shipped() -> Labeller:
    return load_labeller()
