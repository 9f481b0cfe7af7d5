"""The screen: a multi-pattern automaton reads every post and keeps what could tell of an event, with the reason.

Terms, their classes and their points stand in `rules/screen.toml`.
"""

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from classifiers.agents import AGENTS_FILE, is_about_agent
from classifiers.text import compatible, version_of
from warehouse.schema.models import Post

if TYPE_CHECKING:
    from ahocorasick_rs import BytesAhoCorasick

SCREEN_FILE: Final = Path(__file__).with_name("rules") / "screen.toml"
MAX_REASONS: Final = 3
AGENT: Final = "agent"
"""The class without which nothing is kept; the tracker a post stands on fulfils it by itself."""

_LETTERS: Final = bytes(ord(chr(byte).lower()) if byte < 128 and chr(byte).isalnum() else 32 for byte in range(256))


SCREEN_VERSION: Final = version_of("screen", Path(__file__), SCREEN_FILE, AGENTS_FILE)
"""Names the terms, their points, how they are summed, the trackers and the text rule."""


@dataclass(frozen=True)
class Screening:
    """Whether a post is read further, and the classes of terms that spoke for it most, strongest first."""

    kept: bool
    reasons: tuple[str, ...]


DROPPED: Final = Screening(kept=False, reasons=())


@dataclass(frozen=True)
class _Screen:
    """The compiled file: pattern i of the automaton gives `points[i]` and belongs to class `classes[i]`."""

    automaton: "BytesAhoCorasick"
    points: tuple[int, ...]
    classes: tuple[int, ...]
    names: tuple[str, ...]
    class_points: tuple[int, ...]
    agent: int
    lengths: tuple[tuple[int, int], ...]
    threshold: int

    def verdict(self, text: bytes, *, about_agent: bool) -> Screening:
        """Sum the points of the different terms, the classes and the length of a prepared text."""
        found = {match[0] for match in self.automaton.find_matches_as_indexes(text, True)}
        points, classes = self.points, self.classes
        seen = {classes[i] for i in found}
        if about_agent:
            seen.add(self.agent)
        elif self.agent not in seen:
            return DROPPED
        total = sum([points[i] for i in found]) + sum([self.class_points[k] for k in seen])
        size = len(text)
        for length, cost in self.lengths:
            if size <= length:
                break
            total += cost
        return Screening(kept=True, reasons=self._reasons(found, seen)) if total >= self.threshold else DROPPED

    def terms(self, text: bytes) -> tuple[list[int], list[str]]:
        """Return the different terms of a prepared text and the classes they belong to, names of agents apart."""
        matches = self.automaton.find_matches_as_indexes(text, True)
        found = sorted({match[0] for match in matches if self.classes[match[0]] != self.agent})
        return found, [self.names[k] for k in sorted({self.classes[i] for i in found})]

    def _reasons(self, found: set[int], seen: set[int]) -> tuple[str, ...]:
        share = {k: self.class_points[k] for k in seen}
        for i in found:
            share[self.classes[i]] += self.points[i]
        ranked = sorted((-given, self.names[k]) for k, given in share.items() if given > 0)
        return tuple(name for _, name in ranked[:MAX_REASONS])


def screen(post: Post) -> Screening:
    """Say whether a post could tell of an event. Reads the whole of it, in time linear in its length."""
    return _compiled().verdict(_prepared(f" {post.title} . {post.text} "), about_agent=_is_about_agent(post.source))


def screen_many(posts: Iterable[Post]) -> Iterator[Screening]:
    """Screen posts one by one, in their order."""
    return map(screen, posts)


def found_terms(text: str) -> tuple[list[int], list[str]]:
    """Return the numbers of the terms that a text holds, rising, and the names of their classes; no agents."""
    return _compiled().terms(_prepared(f" {text} "))


def _prepared(text: str) -> bytes:
    """Return words with one space around each: only ASCII letters and digits count, and case does not."""
    return b" %b " % b" ".join(compatible(text).encode("utf-8", "replace").translate(_LETTERS).split())


@lru_cache(maxsize=4096)
def _is_about_agent(source: str) -> bool:
    return is_about_agent(source)


@cache
def _compiled() -> _Screen:
    from ahocorasick_rs import BytesAhoCorasick, Implementation

    data = tomllib.loads(SCREEN_FILE.read_text(encoding="utf-8"))
    names = tuple(data["classes"])
    terms: dict[bytes, tuple[int, int]] = {}
    for k, name in enumerate(names):
        for given, listed in data["classes"][name]["terms"].items():
            for term in listed.split("|"):
                word = _prepared(term.replace("*", ""))
                pattern = word[:-1] if "*" in term else word
                if pattern in terms:
                    msg = f"{SCREEN_FILE.name}: {term.strip()!r} stands twice"
                    raise ValueError(msg)
                terms[pattern] = (int(given), k)
    return _Screen(
        automaton=BytesAhoCorasick(list(terms), implementation=Implementation.DFA),
        points=tuple(given for given, _ in terms.values()),
        classes=tuple(k for _, k in terms.values()),
        names=names,
        class_points=tuple(data["classes"][name]["points"] for name in names),
        agent=names.index(AGENT),
        lengths=tuple((int(length), cost) for length, cost in data["length"].items()),
        threshold=data["threshold"],
    )
