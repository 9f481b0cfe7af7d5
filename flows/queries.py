"""What is asked of the sources: one reviewed file, with a version that is stored with each run."""

import tomllib
from dataclasses import dataclass
from importlib.resources import files

from pydantic import BaseModel, ConfigDict


class Queries(BaseModel):
    """The terms, places and control queries of `queries.toml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    agents: tuple[str, ...]
    acts: tuple[str, ...]
    reactions: tuple[str, ...]
    share_links: tuple[str, ...]
    hashtags: tuple[str, ...]
    trackers: tuple[str, ...]
    subreddits: tuple[str, ...]
    lemmy: tuple[str, ...]
    mastodon: tuple[str, ...]
    discourse: tuple[str, ...]
    stackexchange: tuple[str, ...]
    controls: dict[str, tuple[str, ...]]
    feeds: dict[str, str]


def load_queries() -> Queries:
    """Read the shipped file."""
    return Queries.model_validate(tomllib.loads((files("flows") / "queries.toml").read_text("utf-8")))


@dataclass(frozen=True)
class Grammar:
    """How a search writes a query: the word for "or", the sign for "and", its longest query in characters."""

    either: str = " OR "
    both: str = " "
    longest: int = 512


def quoted(term: str) -> str:
    """Return a term as one phrase."""
    return f'"{term}"' if not term.isalnum() else term


def any_of(terms: tuple[str, ...], grammar: Grammar) -> str:
    """Return a query for posts with one of the terms."""
    return f"({grammar.either.join(quoted(term) for term in terms)})"


def crossed(agents: tuple[str, ...], acts: tuple[str, ...], grammar: Grammar) -> list[str]:
    """Return the fewest queries, none longer than the search takes, that ask for every agent with every act.

    Terms are filled into a query in their order, so that a term added at the end leaves the others' queries alone.
    """
    room = grammar.longest // 2
    groups = [_packed(terms, grammar, room) for terms in (agents, acts)]
    return [grammar.both.join((any_of(a, grammar), any_of(b, grammar))) for a in groups[0] for b in groups[1]]


def _packed(terms: tuple[str, ...], grammar: Grammar, room: int) -> list[tuple[str, ...]]:
    out: list[tuple[str, ...]] = []
    for term in terms:
        if out and len(any_of((*out[-1], term), grammar)) + len(grammar.both) <= room:
            out[-1] = (*out[-1], term)
        else:
            out.append((term,))
    return out
