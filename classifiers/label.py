"""The cascade: language, screen, sieve, rules, encoder, heads. One label line out per post, in the same order."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from classifiers.agents import find_agents
from classifiers.encoder import WIDTH, Encoder
from classifiers.features import LEAD_WORDS, is_bare, prepare
from classifiers.heads import ARTEFACT, MODEL, Heads, Judgement, load_heads
from classifiers.items import strip_title
from classifiers.language import is_readable
from classifiers.rules import Hit, find_hits
from classifiers.screen import screen
from classifiers.sieve import Sieve
from classifiers.version import artefact_sha256, instrument_id
from warehouse.schema.models import LabelLine, LabelStatus, Post, Span

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Labeller", "load_labeller", "strip_title"]

MODEL_SPAN: Final = "model"
"""Rule id of the sentence that speaks most for a strict report."""
MAX_SENTENCES: Final = 12
_SENTENCE = re.compile(r"[^.!?\n]{2,1000}[.!?]*")


def encode_each(encoder: Encoder, texts: Iterable[str]) -> "NDArray[np.float32]":
    """Encode one text at a time, shape (texts, dimensions).

    A batch is padded to its longest text and rounds differently with its size: alone, a text always gives the same
    vector, whatever stands beside it (and on a CPU this is not slower).
    """
    import numpy as np

    rows = [encoder.encode([text])[0] for text in texts]
    return np.stack(rows) if rows else np.zeros((0, WIDTH), dtype=np.float32)


@dataclass(frozen=True)
class Labeller:
    """A loaded instrument. The encoder is loaded when the first post passes the screen, unless one is given."""

    heads: Heads
    instrument: str
    encoder: Encoder | None = None

    def label(self, posts: Sequence[Post], *, screened: bool = True) -> list[LabelLine]:
        """Judge posts: one line per post, same order, each independent of the others.

        With `screened=False` also posts that the screen would drop are judged.
        """
        return [self._line(post, screened=screened) for post in posts]

    def _line(self, post: Post, *, screened: bool) -> LabelLine:
        status = route(post, self.heads.sieve, screened=screened)
        if status != "judged":
            return unjudged_line(post, status, self.instrument)
        hits, parts = find_hits(post), prepare(post)
        read = self.heads.read(self._encoder().encode([parts.reading])[0])
        told = self.heads.words(self.heads.space.vector(parts, hits))
        judgement = self.heads.decision.judge(read + told, bare=is_bare(post))
        spans = [hit.span for hit in hits]
        # Only where something speaks for an event: the search costs a reading of the words per sentence.
        if judgement.p_strict >= self.heads.decision.strict_threshold(bare=is_bare(post)) / 2:
            spans += self._moving_sentence(post, hits)
        return judged_line(post, judgement, hits, spans, self.instrument)

    def _encoder(self) -> Encoder:
        if self.encoder is not None:
            return self.encoder
        from classifiers.encoder import label_encoder

        return label_encoder()

    def _moving_sentence(self, post: Post, hits: Sequence[Hit]) -> list[Span]:
        """Return the sentence without whose words and rule hits the strict output would be lowest.

        The title counts as one sentence. The encoder's reading of the whole is held fixed: encoding the post anew
        without each of its sentences would cost ten times the judgement itself.
        """

        def strict_without(span: Span) -> float:
            left = [hit for hit in hits if not _inside(hit.span, span)]
            return float(self.heads.words(self.heads.space.vector(prepare(without(post, span)), left))[0])

        candidates = list(_sentences(post))
        # A title that stands alone moves it most, whatever it says: most posts that get here are one.
        return [min(candidates, key=strict_without)] if len(candidates) > 1 else candidates


def without(post: Post, span: Span) -> Post:
    """Return the post with a part taken out; a space stays, so that the words around it do not run together."""
    value = getattr(post, span.field)
    return post.model_copy(update={span.field: f"{value[: span.start]} {value[span.end :]}"})


def _sentences(post: Post) -> Iterable[Span]:
    if post.title.strip():
        yield Span(rule=MODEL_SPAN, field="title", start=0, end=len(post.title))
    # Only what the encoder reads can move it; a word is rarely longer than 12 characters.
    found = (match for match in _SENTENCE.finditer(post.text, 0, LEAD_WORDS * 12) if match[0].strip())
    for _, match in zip(range(MAX_SENTENCES), found, strict=False):
        yield Span(rule=MODEL_SPAN, field="text", start=match.start(), end=match.end())


def _inside(inner: Span, outer: Span) -> bool:
    return inner.field == outer.field and inner.start >= outer.start and inner.end <= outer.end


def route(post: Post, sieve: Sieve | None, *, screened: bool = True) -> LabelStatus:
    """Say how far a post goes down the cascade: to a judgement, or not past the language, the screen or the sieve."""
    if not is_readable(post):
        return "language"
    passed = not screened or (screen(post).kept and (sieve is None or sieve.passes(post)))
    return "judged" if passed else "screened_out"


def unjudged_line(post: Post, status: LabelStatus, instrument: str) -> LabelLine:
    """Return the line of a post that the heads did not read; what screen or sieve dropped has probability 0."""
    p_strict = 0.0 if status == "screened_out" else None
    return LabelLine(id=post.id, status=status, p_strict=p_strict, instrument=instrument)


def judged_line(
    post: Post, judgement: Judgement, hits: Sequence[Hit], spans: Sequence[Span], instrument: str
) -> LabelLine:
    """Return the line of a judged post."""
    return LabelLine(
        id=post.id,
        status="judged",
        kind=judgement.kind,
        p_strict=judgement.p_strict,
        is_strict=judgement.is_strict,
        behaviours=judgement.behaviours,
        behaviours_present=judgement.behaviours_present,
        behaviours_unsure=judgement.behaviours_unsure,
        actions=judgement.actions,
        action_probabilities=judgement.action_probabilities,
        evidence=judgement.evidence,
        gravity=judgement.gravity,
        score=judgement.score,
        subject=subject(hits),
        agents=find_agents(post),
        spans=list(spans),
        instrument=instrument,
    )


def subject(hits: Sequence[Hit]) -> str:
    """Return what the act protected, where a rule reads it from the text; else unknown."""
    for hit in hits:
        for name in ("peer", "self", "none"):
            if f"subject:{name}" in hit.supports:
                return name
    return "unknown"


def load_labeller(model: Path = MODEL, encoder: Encoder | None = None) -> Labeller:
    """Load the shipped instrument, or the one trained into the folder `model`."""
    path = model / ARTEFACT
    return Labeller(load_heads(path), instrument_id(artefact_sha256(path)), encoder)
