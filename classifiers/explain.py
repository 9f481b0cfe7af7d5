"""Why a judgement is what it is: probabilities beside thresholds, rule hits, and the words that moved it most.

Occlusion (Zeiler and Fergus 2014): each sentence is taken out and the whole instrument reads the rest again, encoder
included. What the probability falls by is what the sentence gave.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from classifiers.features import is_bare
from classifiers.label import Labeller, without
from classifiers.rules import Hit, find_hits
from warehouse.schema.models import LabelLine, Post, Span

MAX_PARTS: Final = 60
"""Parts of a text that are taken out one by one: the first ones; each costs a judgement."""
MAX_PART: Final = 400
"""Characters after which a sentence without an end is cut."""
OCCLUDED: Final = "occlusion"
_SENTENCE = re.compile(rf"[^.!?\n]{{2,{MAX_PART}}}[.!?]*")


@dataclass(frozen=True)
class Moved:
    """A part of the text, and the probability of a strict positive without it."""

    span: Span
    p_without: float
    kind_without: str | None


@dataclass(frozen=True)
class Head:
    """One probability beside the threshold from which it counts."""

    name: str
    p: float
    threshold: float


@dataclass(frozen=True)
class Explanation:
    """A judgement made anew, with what caused it; `moved` is sorted, what gave the most comes first."""

    line: LabelLine
    heads: tuple[Head, ...]
    hits: tuple[Hit, ...]
    moved: tuple[Moved, ...]


def explain(labeller: Labeller, post: Post) -> Explanation:
    """Judge a post, past the screen, and find what moved the judgement. Time is bounded whatever the text."""
    line = labeller.label([post], screened=False)[0]
    parts = list(_parts(post)) if line.status == "judged" else []
    lines = labeller.label([without(post, span) for span in parts], screened=False)
    moved = [
        Moved(span, other.p_strict, other.kind)
        for span, other in zip(parts, lines, strict=True)
        if other.p_strict is not None
    ]
    decision = labeller.heads.decision
    thresholds = decision.thresholds | {"strict": decision.strict_threshold(bare=is_bare(post))}
    given = {"strict": line.p_strict, **(line.behaviours or {})}
    return Explanation(
        line=line,
        heads=tuple(Head(name, p, thresholds[name]) for name, p in given.items() if p is not None),
        hits=tuple(find_hits(post)),
        moved=tuple(sorted(moved, key=lambda one: (one.p_without, one.span.field, one.span.start))),
    )


def _parts(post: Post) -> Iterator[Span]:
    left = MAX_PARTS
    fields: tuple[tuple[Literal["title", "text"], str], ...] = (("title", post.title), ("text", post.text))
    for field, value in fields:
        for match in _SENTENCE.finditer(value):
            if left and match[0].strip():
                left -= 1
                yield Span(rule=OCCLUDED, field=field, start=match.start(), end=match.end())
