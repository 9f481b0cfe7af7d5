"""The named text rule: how a field is cleaned before it is read, with the way back to the field as given.

`TEXT_VERSION` changes with any change of the result; the instrument's id contains it.
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, repeat
from pathlib import Path
from typing import Final

TEXT_VERSION: Final = "text-1"
MAX_READ: Final = 20_000
"""Characters of a field that the rules and the agent finder read: the first ones. The screen reads whole fields."""
MAX_MARKS: Final = 8
"""Combining marks kept after one letter; longer runs cost quadratic time in NFKC and carry no meaning."""

_INVISIBLE: Final = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff"
    "\ud800-\udfff"  # halves of characters: no text, and not encodable
    "\ufdf0-\ufdfb"  # Arabic phrase ligatures: one character becomes up to 18
)
_QUOTES: Final = {"'": "\u2018\u2019\u201a\u201b\u2032\u00b4\u02bc", '"': "\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb"}
_DASHES: Final = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
_MARKS: Final = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"

_INVISIBLE_RUN = re.compile(f"[{_INVISIBLE}]+")
_MARK_PILE = re.compile(f"[{_MARKS}]{{{MAX_MARKS + 1},}}")
_LETTERS = str.maketrans({odd: plain for plain, odds in _QUOTES.items() for odd in odds} | dict.fromkeys(_DASHES, "-"))
_CLUSTER = re.compile(f".[{_MARKS}]+|[^\\x00-\\x7f]", re.DOTALL)
_SPACES = re.compile(r"[\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u205f\u3000]+")

_FENCE = re.compile(r"^[ \t]{0,8}(?:```|~~~)[^\n]{0,80}$", re.MULTILINE)
_TAG = re.compile(r"<!--[^>]{0,2000}-->|</?[a-zA-Z][^<>]{0,300}>")
_ENTITY = re.compile(r"&(?:amp|lt|gt|quot|apos|nbsp|#39|#x27|#34|#160);")
_ENTITIES: Final = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "#34": '"', "nbsp": " ", "#160": " "}
_LINK_OPEN = re.compile(r"!?\[(?=[^\[\]\n]{0,300}\]\()")
_LINK_TURN = re.compile(r"\]\((?=https?://)")
_MARKUP = re.compile(
    r"\*{1,3}|_{2,3}(?!\w)|(?<!\w)_{2,3}|~~|`{1,3}|\\(?=[*_`~#>-])|^[ \t]{0,3}#{1,6}[ \t]", re.MULTILINE
)


def version_of(step: str, *files: Path) -> str:
    """Name a step that reads text: any change of the text rule or of the files it is made of changes the name."""
    digest = hashlib.sha256(TEXT_VERSION.encode())
    for path in files:
        digest.update(path.read_bytes())
    return f"{step}-{digest.hexdigest()[:12]}"


@dataclass(frozen=True)
class Read:
    """A cleaned field. Character i of `text` came from [starts[i], ends[i]) of the field as given."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Return the range of the field as given that the non-empty range [start, end) of `text` came from."""
        return self.starts[start], self.ends[end - 1]


def compatible(text: str) -> str:
    """Return the text in NFKC, without invisible characters and without piled-up combining marks; the first step."""
    if text.isascii():
        return text
    if _INVISIBLE_RUN.search(text):
        text = _INVISIBLE_RUN.sub("", text)
    if _MARK_PILE.search(text):
        text = _MARK_PILE.sub(lambda match: match[0][:MAX_MARKS], text)
    return text if unicodedata.is_normalized("NFKC", text) else unicodedata.normalize("NFKC", text)


def normalise(text: str) -> str:
    """Return the text as it is compared: NFKC, no invisible characters, plain quotes and dashes, single spaces.

    A run of white space becomes one space, or one empty line where it held one. Case is kept (see `fold`).
    Takes time linear in the length of the text.
    """
    text = compatible(text)
    return _SPACES.sub(_space, text if text.isascii() else text.translate(_LETTERS)).strip()


def fold(text: str) -> str:
    """Return the normalised text without its differences of case."""
    return normalise(text).casefold()


def read(text: str) -> Read:
    """Clean the first `MAX_READ` characters of a field for the rules, keeping where each character came from.

    As `normalise`, and markup is taken away: HTML tags, comments and entities, emphasis, heading marks, code fences and
    ticks (what stands between them is kept: commands and logs are evidence), the brackets of links.
    """
    text = text[:MAX_READ]
    result = Read(text, range(len(text)), range(1, len(text) + 1))
    if not text.isascii():
        result = _replace(result, _INVISIBLE_RUN, _nothing)
        result = _replace(result, _MARK_PILE, lambda match: match[0][:MAX_MARKS])
        result = _replace(result, _CLUSTER, _composed)
        result = Read(result.text.translate(_LETTERS), result.starts, result.ends)
    if "<" in text:
        result = _replace(result, _TAG, lambda _: " ")
    if "&" in text:
        result = _replace(result, _ENTITY, lambda match: _ENTITIES.get(match[0][1:-1], "'"))
    if "](" in text:
        result = _replace(result, _LINK_OPEN, _nothing)
        result = _replace(result, _LINK_TURN, lambda _: " (")
    result = _replace(result, _FENCE, lambda _: "\n\n")
    result = _replace(result, _MARKUP, _nothing)
    return _replace(result, _SPACES, _space)


def _nothing(_: re.Match[str]) -> str:
    return ""


def _space(match: re.Match[str]) -> str:
    return "\n\n" if match[0].count("\n") > 1 else " "


def _composed(match: re.Match[str]) -> str:
    return _compose(match[0])


@lru_cache(maxsize=4096)
def _compose(cluster: str) -> str:
    return unicodedata.normalize("NFKC", cluster)


def _replace(source: Read, pattern: re.Pattern[str], new: Callable[[re.Match[str]], str]) -> Read:
    """Substitute in the text; every new character points at the whole of what it replaced."""
    pieces: list[str] = []
    starts: list[Sequence[int]] = []
    ends: list[Sequence[int]] = []
    done = 0
    for match in pattern.finditer(source.text):
        text = new(match)
        if text == match[0]:
            continue
        first, last = match.span()
        pieces += (source.text[done:first], text)
        starts += (source.starts[done:first], tuple(repeat(source.starts[first], len(text))))
        ends += (source.ends[done:first], tuple(repeat(source.ends[last - 1], len(text))))
        done = last
    if not pieces:
        return source
    return Read(
        "".join([*pieces, source.text[done:]]),
        [*chain.from_iterable(starts), *source.starts[done:]],
        [*chain.from_iterable(ends), *source.ends[done:]],
    )
