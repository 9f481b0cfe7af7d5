"""Whether the instrument reads a post's language: English is judged, anything else is routed aside, doubt is read."""

import re
from functools import cache
from typing import Any, Final

from classifiers.text import normalise
from warehouse.schema.models import Post

READ_LANGUAGE: Final = "en"
UNKNOWN: Final = frozenset({"", "und", "unk", "mul", "zxx", "mis"})
SAMPLE: Final = 2_000
"""Characters of title and text that are looked at."""
MIN_LETTERS: Final = 60
"""Below this many letters the statistical identifier is not asked: titles full of names and commands mislead it."""
MIN_CONFIDENCE: Final = 0.98
MAX_FOREIGN_SCRIPT: Final = 0.5

_LETTER = re.compile(r"[^\W\d_]")
_LATIN = re.compile(r"[a-zA-Z\u00c0-\u024f]")
# Code, links and names of files say nothing about the language around them.
_NOT_PROSE = re.compile(
    r"```.{0,2000}?```|`[^`\n]{1,200}`|https?://\S{1,500}|\S{0,80}[/\\_=<>{}]\S{0,80}|\S{1,80}\.\w{1,4}\b", re.DOTALL
)
_ENGLISH = re.compile(
    r"\b(?:the|and|with|without|not|that|this|when|after|despite|from|my|you|are|have|has|by|its|doesn't|didn't)\b",
    re.I,
)
MIN_ENGLISH: Final = 0.05
"""Share of words that are common English ones from which a text is read whatever the identifier says."""


def is_readable(post: Post) -> bool:
    """Return whether the post is to be judged: stated or recognised as English, or not recognisable.

    A stated language is trusted. Without one, a text mostly in another script is set aside, and a longer text in Latin
    script if the identifier is sure of another language.
    """
    if post.lang is not None and (stated := post.lang.strip().lower().replace("_", "-").split("-")[0]) not in UNKNOWN:
        return stated == READ_LANGUAGE
    sample = normalise(_NOT_PROSE.sub(" ", f"{post.title[:SAMPLE]}\n\n{post.text[:SAMPLE]}"))[:SAMPLE]
    letters = len(_LETTER.findall(sample))
    if not letters:
        return True
    if 1 - len(_LATIN.findall(sample)) / letters > MAX_FOREIGN_SCRIPT:
        return False
    if letters < MIN_LETTERS or len(_ENGLISH.findall(sample)) >= MIN_ENGLISH * len(sample.split()):
        return True
    language, confidence = _identify(sample)
    return language == READ_LANGUAGE or confidence < MIN_CONFIDENCE


def _identify(text: str) -> tuple[str, float]:
    language, confidence = _identifier().classify(text)
    return str(language), float(confidence)


@cache
def _identifier() -> Any:  # noqa: ANN401 - the library has no types
    # Imported here: it loads a model, and most posts state their language.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
