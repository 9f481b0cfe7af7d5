"""Which AI products and models a post names as the actor, from the maintained list `rules/agents.toml`."""

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Final

from classifiers.text import read, version_of
from warehouse.schema.models import Agent, Post

AGENTS_FILE: Final = Path(__file__).with_name("rules") / "agents.toml"
MAX_AGENTS: Final = 6
MAX_MODELS: Final = 3
MIN_NAME: Final = 3
"""Characters below which a product's name is an abbreviation."""
# Stands for "any name" in `needs`.
_ANY: Final = ""
# "gpt-5-based agent" names the model that acts; "opus-4-generated text" does not, and other tails belong to the name.
_MADE_OF: Final = "(?:based|powered|driven)"
_NO_TAIL: Final = f"(?:{_MADE_OF}|class|generated|level|like|only|style|to|vs|written)"


AGENTS_VERSION: Final = version_of("agents", Path(__file__), AGENTS_FILE)
"""Names the list, how names are found and chosen, and the text rule."""


@dataclass(frozen=True)
class Line:
    """One entry of the file: a product, or a line of models of one maker.

    `own` is the pattern on the entry's own trackers, where an everyday word is safe to take as its name.
    """

    family: str
    vendor: str
    is_model: bool
    pattern: re.Pattern[str] | None
    own: re.Pattern[str] | None
    trackers: frozenset[str]
    needs: dict[str, re.Pattern[str]]
    never: re.Pattern[str] | None
    released: dict[str, date]


@dataclass(frozen=True)
class Mention:
    """One place where a line is named; `exact` for a product and for a model with its version."""

    line: Line
    name: str
    start: int
    end: int
    exact: bool


def find_agents(post: Post) -> list[Agent]:
    """Return the products and models that the post names as the actor, in the order of their first mention.

    Names are lower case, as written. A bare family name yields to a product or version that says it already; products
    of other makers are bystanders on a tracker and beside a title that names the actor. What a tracker implies is not
    named: see `tracked`.
    """
    title, text = read(post.title).text.lower(), read(post.text).text.lower()
    home = _home(post.source)
    found = list(_mentions(f"{title}\n{text}", home, _vendor_at(post.source, home)))
    actors = _actors(found, home, len(title), form="preflight checklist" in text[:200])
    agents = [Agent(name=one.name, family=one.line.family, vendor=one.line.vendor) for one in actors]
    if not any(one.start < len(title) for one in actors):
        # A title that names only the maker's unnamed model names the actor, whatever the text goes on to compare.
        agents = _vendor_agents(title) + agents
    return (agents or _vendor_agents(text))[:MAX_AGENTS]


def tracked(source: str) -> list[Agent]:
    """Return the product that a source's tracker or forum is about: the agent of a report there that names none."""
    home = _home(source)
    return [] if home is None else [Agent(name=home.family, family=home.family, vendor=home.vendor)]


def is_about_agent(source: str) -> bool:
    """Return whether a source is a tracker or forum about one listed product (`github_issue:openai/codex`)."""
    return _home(source) is not None


def released(agent: Agent) -> date | None:
    """Return the day on which a product or model version came out, where the file is certain of it."""
    name = _plain(agent.name)
    dates = [(key, day) for line in _lines() if line.family == agent.family for key, day in line.released.items()]
    found = [(len(key), day) for key, day in dates if name.endswith(_plain(key))]
    return max(found)[1] if found else None


def _actors(mentions: Sequence[Mention], home: Line | None, title_end: int, *, form: bool) -> list[Mention]:
    """Choose the actors: one mention per product and per model version, and a bare name where it adds one.

    In a filled-in issue `form` the body names product and version as circumstances: what the title names goes first.
    """
    titled = [one for one in mentions if one.start < title_end]
    products = [one for one in (titled if form and titled else mentions) if not one.line.is_model]
    if any(one.line.is_model and one.exact for one in titled):
        products = [one for one in products if one.start < title_end]
    products = (
        [one for one in products if one.line is home]
        or [one for one in products if one.start < title_end]
        or ([] if home is not None and titled else products[:1])
    )
    exact = [one for one in (titled if form and titled else mentions) if one.line.is_model and one.exact]
    products = [one for one in products if not any(model.name.startswith(one.name) for model in exact)]
    bare = [one for one in mentions if one.line.is_model and not one.exact]
    if products:
        bare = [one for one in bare if one.start < title_end and not any(_says(other, one) for other in products)]
    elif home is not None:
        bare = [one for one in bare if one.line.vendor == home.vendor] or bare
    bare = [one for one in bare if not any(one.name in model.name for model in exact)]
    names = {one.name for one in bare}
    bare = [one for one in bare if not any(name.startswith(f"{one.name} ") for name in names)]
    bare = [one for one in bare if one.start < title_end][:MAX_MODELS] or bare[:1]
    chosen: dict[str, Mention] = {}
    for one in sorted([*products, *bare, *exact[:MAX_MODELS]], key=lambda one: one.start):
        key = _version_key(one.name) if one.line.is_model else one.line.family
        before = chosen.get(key)
        if before and len(one.name) > len(before.name) and (one.end <= title_end or _is_short(before)):
            # A title "[Opus 4.6] Claude Opus 4.6 did it" has a tag before the name itself; so may a text have "CC".
            chosen[key] = one
        elif not any(key in known for known in chosen):
            chosen = {known: other for known, other in chosen.items() if known not in key or not other.exact}
            chosen[key] = one
    return list(chosen.values())


def _is_short(product: Mention) -> bool:
    """Return whether a product is named by letters that stand for it ("cc")."""
    return not product.line.is_model and product.line.family not in product.name and len(product.name) < MIN_NAME


def _says(product: Mention, bare: Mention) -> bool:
    """Return whether a product says what a bare name would ("claude code" and "claude", "chatgpt" and "gpt")."""
    return bare.name in product.name or bare.name in product.line.family


def _version_key(name: str) -> str:
    """Return a name by which two spellings of one model version are equal ("opus 4.5", "claude-opus-4-5-20251101")."""
    plain = _plain(name)
    return plain.removeprefix("claude") or plain


def _plain(name: str) -> str:
    return re.sub(r"[ .-]", "", re.sub(r"-\d{8}$", "", name))


def _mentions(text: str, home: Line | None, vendor: str | None) -> Iterator[Mention]:
    """Yield every named product and model, longest names first where two overlap."""
    found: list[Mention] = []
    aside = {match.end() for match in _aside().finditer(text)}
    for line in _lines():
        pattern = line.own if line is home and line.own is not None else line.pattern
        if pattern is None:
            continue
        barred = [match.span() for match in line.never.finditer(text)] if line.never else []
        for match in pattern.finditer(text):
            start, end = match.span()
            name = " ".join(match[0].split())
            if start in aside or any(first <= start and end <= last for first, last in barred):
                continue
            if not _is_safe(line, vendor) and not _supported(line, match, text):
                continue
            exact = not line.is_model or match["version"] is not None
            found.append(Mention(line, name, start, end, exact))
    found.sort(key=lambda one: (one.start, -one.end))
    taken = 0
    for one in found:
        if one.start >= taken:
            taken = one.end
            yield one


def _is_safe(line: Line, vendor: str | None) -> bool:
    """Return whether the place itself makes an everyday word the product: its maker's forum, or one about AI models."""
    return line.vendor == vendor or (vendor == _ANY and line.is_model and _ANY not in line.needs)


def _supported(line: Line, match: re.Match[str], text: str) -> bool:
    """Return whether an everyday word stands where it must be the product: with one of the words it needs."""
    if line.is_model and match["version"] is not None and _ANY not in line.needs:
        return True
    word = match.groupdict().get("line") or match[0]
    needed = line.needs.get(word) or line.needs.get(_ANY)
    return needed is None or needed.search(text) is not None


def _vendor_agents(text: str) -> list[Agent]:
    """Return a maker's unnamed model: as written ("X's rogue agent"), or put together ("X says its models")."""
    found = [match for pattern in _vendor_patterns() if (match := pattern.search(text))]
    if not found:
        return []
    first = min(found, key=re.Match.start)
    name = f"{first['vendor']}{first.groupdict().get('of') or ''} {first['what']}"
    return [Agent(name=" ".join(name.split()), family=None, vendor=first["vendor"])]


def _home(source: str) -> Line | None:
    """Return the product that the tracker or forum of a source is about."""
    place = source.lower().partition(":")[2]
    return next((line for line in _lines() if place in line.trackers), None) if place else None


def _vendor_at(source: str, home: Line | None) -> str | None:
    """Return the maker whose products a tracker or forum is about, or `_ANY` on a forum about AI models in general."""
    if home is not None:
        return home.vendor
    return _forums().get(source.lower().partition(":")[2])


@cache
def _forums() -> dict[str, str]:
    return {place: entry.get("vendor", _ANY) for entry in _data()["forum"] for place in entry["places"]}


@cache
def _lines() -> tuple[Line, ...]:
    data = _data()
    return tuple(_line(entry, is_model=False) for entry in data["product"]) + tuple(
        _line(entry, is_model=True) for entry in data["model"]
    )


@cache
def _aside() -> re.Pattern[str]:
    return re.compile(rf"\b(?:{_alternatives(_data()['aside'])}) (?:an? |my |the |your )?")


@cache
def _vendor_patterns() -> tuple[re.Pattern[str], ...]:
    data = _data()["vendors"]
    maker, bots = (
        rf"(?<![\w@./-])(?P<vendor>{_alternatives(data[names])})(?P<of>'s?)?" for names in ("names", "companies")
    )
    kinds = rf"(?:(?:{_alternatives(data['kinds'])}) ){{0,3}}"
    heads = rf"(?:{_alternatives(data['heads'])})(?![\w-]| (?:{_alternatives(data['not_heads'])})\b)"
    acts = rf"ai(?= (?:{_alternatives(data['acts'])})\b)"
    return (
        re.compile(rf"{maker}(?: own)? (?P<what>{kinds}{heads})"),
        # A headline puts the maker first and its model later: "X overhauls its rules after its models went rogue".
        re.compile(rf"{maker}(?:,? [\w'-]{{1,24}}){{1,6}}? (?:its|their)(?: own)? (?P<what>{kinds}{heads}|{acts})"),
        re.compile(rf"{maker} (?:{_alternatives(data['tells'])})(?: that)?(?: an?)? (?P<what>ai {heads}|{acts})"),
        re.compile(rf"{bots} (?P<what>{kinds}(?:{_alternatives(data['bots'])}))\b"),
    )


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(AGENTS_FILE.read_text(encoding="utf-8"))


def _line(entry: dict[str, Any], *, is_model: bool) -> Line:
    needs = entry.get("needs", {})
    if isinstance(needs, list):
        needs = {_ANY: needs}
    dates = entry.get("released", {})
    names = entry.get("names", [])
    own = entry.get("own")
    return Line(
        family=entry["family"],
        vendor=entry["vendor"],
        is_model=is_model,
        pattern=_model(entry["pattern"]) if is_model else _names(names),
        own=_names([*names, *own]) if own else None,
        trackers=frozenset(entry.get("tracker", ())),
        needs={word: _whole(_alternatives(words)) for word, words in needs.items()},
        never=_whole(_alternatives(entry["never"])) if "never" in entry else None,
        released=dates if isinstance(dates, dict) else dict.fromkeys(names, dates),
    )


def _names(names: Sequence[str]) -> re.Pattern[str] | None:
    return _whole(_alternatives(names)) if names else None


def _model(pattern: str) -> re.Pattern[str]:
    # What is glued behind a version belongs to the name: a size, a date, a variant ("r1-0528", "2.5-coder-32b").
    return _whole(rf"(?:{pattern})(?(version)(?:-(?!{_NO_TAIL})[a-z\d]{{1,12}}(?:\.\d)?){{0,4}})")


def _whole(pattern: str) -> re.Pattern[str]:
    # A name inside a path, a file name, an address or a longer word is not a mention ("claude.md", "~/.claude/").
    # Nor is a name cut inside its version ("qwen2" in "qwen2.5").
    after = rf"(?![\w/@]|-(?!{_MADE_OF})\w|\.\d|\.(?:md|json|js|py|com|ai|dev|sh|toml)\b)"
    return re.compile(rf"(?<![\w./@#-])(?:{pattern}){after}")


def _alternatives(words: Sequence[str]) -> str:
    ordered = sorted(words, key=len, reverse=True)
    return "|".join(re.escape(word).replace(r"\ ", "[ -]") for word in ordered)
