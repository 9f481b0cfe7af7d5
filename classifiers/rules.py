"""Token rules: what in a post speaks for a behaviour, an action, an artefact or a context, with the span that says so.

The rules stand in `rules/*.toml`, each with sentences in which it must and must not fire. A pattern is a row of tokens:

    word  a|b         one of these words, case aside
    @class  a|@class  any word of a class of `words.toml`
    x?                may be missing
    ~3                up to three more tokens of the same sentence
    /regex/           a token that matches from its start

A rule's `unless` words must not stand within `UNLESS_WINDOW` tokens before the match, nor inside it.
"""

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from classifiers.text import Read, read, version_of
from warehouse.schema.models import Post, Span

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.matcher import Matcher
    from spacy.tokens import Doc

RULES_FOLDER: Final = Path(__file__).with_name("rules")
THEMES: Final = ("behaviours", "actions", "evidence", "context")
MAX_HITS: Final = 3
"""Hits of one rule in one field that are kept: the first ones."""
UNLESS_WINDOW: Final = 4
MAX_GAP: Final = 12
MAX_SENTENCE: Final = 200
"""Tokens after which a sentence without an end is cut."""
MAX_CHUNK: Final = 300
"""Longer runs without a space are cut before tokenising, which takes quadratic time in them."""

_SENTENCE_ENDS: Final = ("\n\n", ".", "!", "?", ";")
_CONTRACTED: Final = frozenset({"n't", "'s", "'re", "'m", "'d", "'ve", "'ll"})
"""Words of the tokeniser that are not words by themselves."""
_COMPOUND = re.compile(r"https?://\S+|(?<=[a-zA-Z])[-/](?=[a-zA-Z])")
_CHUNK = re.compile(rf"\S{{{MAX_CHUNK},}}")


RULES_VERSION: Final = version_of(
    "rules", Path(__file__), *(RULES_FOLDER / f"{name}.toml" for name in ("words", *THEMES))
)


@dataclass(frozen=True)
class Hit:
    """A rule that fired and where.

    `supports` says what for: `behaviour:`, `action:`, `evidence:`, `context:` or `subject:` and a name.
    """

    rule: str
    supports: tuple[str, ...]
    span: Span


@dataclass(frozen=True)
class Rule:
    """One entry of a rules file."""

    id: str
    supports: tuple[str, ...]
    patterns: tuple[str, ...]
    unless: frozenset[str]
    field: Literal["title", "text"] | None
    examples: tuple[str, ...]
    counter_examples: tuple[str, ...]


class RuleError(ValueError):
    """A rules file cannot be used; the message names the rule."""


def find_hits(post: Post) -> list[Hit]:
    """Return what the rules find, title before text, in the order of the text; the same for the same post always.

    Reads the first `MAX_READ` characters of each field. Spans are given in characters of the field as given.
    """
    return [*_field_hits("title", post.title), *_field_hits("text", post.text)]


def rule_ids() -> tuple[str, ...]:
    """Return the ids of all rules in the order of the files."""
    return tuple(rule.id for rule in load_rules())


@cache
def load_rules() -> tuple[Rule, ...]:
    """Read the rules files."""
    rules = tuple(_rule(entry) for theme in THEMES for entry in _read_toml(theme)["rule"])
    doubled = {rule.id for rule in rules if sum(other.id == rule.id for other in rules) > 1}
    if doubled:
        msg = f"rule ids given twice: {', '.join(sorted(doubled))}"
        raise RuleError(msg)
    return rules


def _field_hits(field: Literal["title", "text"], value: str) -> Iterator[Hit]:
    cleaned = _tokenisable(read(value))
    if not cleaned.text.strip():
        return
    doc = _language().make_doc(cleaned.text)
    rules = load_rules()
    count = [0] * len(rules)
    reached = [0] * len(rules)
    for first, last, position in _matches(doc):
        rule = rules[position]
        # Two patterns of one rule on the same words are one hit.
        if count[position] == MAX_HITS or first < reached[position] or _barred(doc, first, last, rule.unless):
            continue
        count[position] += 1
        reached[position] = last
        start, end = cleaned.original(doc[first].idx, doc[last - 1].idx + len(doc[last - 1]))
        yield Hit(rule.id, rule.supports, Span(rule=rule.id, field=field, start=start, end=end))


def _matches(doc: "Doc") -> list[tuple[int, int, int]]:
    """Return (first token, last token + 1, rule) of all matches, in order; of those that begin together, longer first.

    Goes sentence by sentence and tries only the patterns all of whose words stand in the sentence.
    """
    index = _index()
    found: list[tuple[int, int, int]] = []
    texts = [token.text for token in doc]
    for first, last in _sentences(texts):
        met = {slot for text in texts[first:last] for slot in _slots_met(text)}
        sentence = doc[first:last]
        for i in index.candidates(met):
            one = index.patterns[i]
            found += [(first + start, first + end, one.rule) for _, start, end in one.matcher(sentence)]
    return sorted(found, key=lambda match: (match[0], -match[1], match[2]))


def _sentences(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield ranges of tokens, each with the token that ends it; no longer than `MAX_SENTENCE`."""
    first = 0
    for i, text in enumerate(texts):
        if text in _SENTENCE_ENDS or i - first == MAX_SENTENCE - 1:
            yield first, i + 1
            first = i + 1
    if first < len(texts):
        yield first, len(texts)


def _barred(doc: "Doc", first: int, last: int, unless: frozenset[str]) -> bool:
    if not unless:
        return False
    for i in range(first - 1, max(-1, first - 1 - UNLESS_WINDOW), -1):
        if doc[i].text in _SENTENCE_ENDS:
            break
        if doc[i].lower_ in unless:
            return True
    return any(doc[i].lower_ in unless for i in range(first, last))


def _tokenisable(cleaned: Read) -> Read:
    """Cut endless runs and open up compounds, so that "force-pushed" is two words. Characters keep their places."""
    text = _COMPOUND.sub(lambda match: match[0] if len(match[0]) > 1 else " ", cleaned.text)
    cut = _CHUNK.sub(lambda match: match[0][: MAX_CHUNK - 1].ljust(len(match[0])), text)
    return Read(cut, cleaned.starts, cleaned.ends)


@cache
def _language() -> "Language":
    import spacy
    from spacy.tokenizer import Tokenizer

    nlp = spacy.blank("en")
    usual: Any = nlp.tokenizer
    # As spaCy's, but an address is one token by its first letters: the usual pattern is slow on odd input.
    nlp.tokenizer = Tokenizer(
        nlp.vocab,
        rules=usual.rules,
        prefix_search=usual.prefix_search,
        suffix_search=usual.suffix_search,
        infix_finditer=usual.infix_finditer,
        token_match=re.compile(r"https?://").match,
    )
    return nlp


@dataclass(frozen=True)
class _Pattern:
    """A compiled pattern: its rule, and how many of its slots must be met for it to match at all."""

    rule: int
    slots: int
    matcher: "Matcher"


@dataclass(frozen=True)
class _Index:
    """All patterns, found by their slots: a slot is a set of words or a regular expression that a token must meet."""

    patterns: tuple[_Pattern, ...]
    words: dict[str, tuple[int, ...]]
    expressions: tuple[tuple[re.Pattern[str], int], ...]
    users: tuple[tuple[int, ...], ...]

    def candidates(self, met: set[int]) -> list[int]:
        """Return the patterns all of whose slots are met, in the order of the files."""
        missing: dict[int, int] = {}
        for slot in met:
            for i in self.users[slot]:
                missing[i] = missing.get(i, self.patterns[i].slots) - 1
        return sorted(i for i, number in missing.items() if not number)


@lru_cache(maxsize=65_536)
def _slots_met(text: str) -> tuple[int, ...]:
    index = _index()
    expressions = (slot for expression, slot in index.expressions if expression.search(text))
    return (*index.words.get(text.lower(), ()), *expressions)


@cache
def _index() -> _Index:
    from spacy.matcher import Matcher

    words = _read_toml("words")["words"]
    patterns: list[_Pattern] = []
    users: dict[frozenset[str] | str, list[int]] = {}
    for position, rule in enumerate(load_rules()):
        for pattern in rule.patterns:
            tokens = compile_pattern(pattern, words, rule.id)
            needed = {slot for slot in map(_slot, tokens) if slot is not None}
            matcher = Matcher(_language().vocab)
            matcher.add(rule.id, [tokens], greedy="LONGEST")
            for slot in needed:
                users.setdefault(slot, []).append(len(patterns))
            patterns.append(_Pattern(position, len(needed), matcher))
    met: dict[str, list[int]] = {}
    expressions: list[tuple[re.Pattern[str], int]] = []
    for number, slot in enumerate(users):
        if isinstance(slot, str):
            expressions.append((re.compile(slot), number))
        else:
            for word in slot:
                met.setdefault(word, []).append(number)
    return _Index(
        patterns=tuple(patterns),
        words={word: tuple(numbers) for word, numbers in met.items()},
        expressions=tuple(expressions),
        users=tuple(map(tuple, users.values())),
    )


def _slot(token: dict[str, Any]) -> frozenset[str] | str | None:
    """Return what some token of a sentence must meet for this token of a pattern; None where it may be missing."""
    if "OP" in token:
        return None
    return frozenset(token["LOWER"]["IN"]) if "LOWER" in token else str(token["TEXT"]["REGEX"])


def compile_pattern(pattern: str, words: dict[str, str], rule: str) -> list[dict[str, Any]]:
    """Translate a row of tokens into spaCy's terms; every repetition in it is bounded."""
    tokens: list[dict[str, Any]] = []
    for item in pattern.split():
        if re.fullmatch(r"~\d+", item):
            if not 0 < int(item[1:]) <= MAX_GAP:
                msg = f"rule {rule}: gap {item} is not between 1 and {MAX_GAP}"
                raise RuleError(msg)
            tokens.append({"ORTH": {"NOT_IN": list(_SENTENCE_ENDS)}, "OP": f"{{0,{item[1:]}}}"})
            continue
        if len(item) > 2 and item[0] == item[-1] == "/":
            tokens.append({"TEXT": {"REGEX": f"^(?:{item[1:-1]})"}})
            continue
        optional = item.endswith("?") and len(item) > 1
        choices = sorted(_choices(item[:-1] if optional else item, words, rule))
        tokens.append({"LOWER": {"IN": choices}} | ({"OP": "?"} if optional else {}))
    return tokens


def _choices(item: str, words: dict[str, str], rule: str) -> set[str]:
    """Return the words that an item stands for; each must be one token, or it could never match."""
    chosen: set[str] = set()
    for choice in item.split("|"):
        if not choice.startswith("@"):
            chosen.add(choice)
        elif choice[1:] in words:
            chosen |= _choices("|".join(words[choice[1:]].replace("|", " ").split()), words, rule)
        else:
            msg = f"rule {rule}: no class of words is called {choice}"
            raise RuleError(msg)
    for word in chosen:
        if len(_language().make_doc(word)) != 1 and word not in _CONTRACTED:
            msg = f"rule {rule}: {word!r} is more than one token"
            raise RuleError(msg)
    return chosen


def _rule(entry: dict[str, Any]) -> Rule:
    unknown = entry.keys() - {"id", "supports", "patterns", "unless", "field", "examples", "not"}
    if unknown or not all(entry.get(key) for key in ("id", "supports", "patterns", "examples", "not")):
        msg = f"rule {entry.get('id', '?')}: needs id, supports, patterns, examples and not; unknown: {sorted(unknown)}"
        raise RuleError(msg)
    words = _read_toml("words")["words"]
    return Rule(
        id=entry["id"],
        supports=tuple(entry["supports"]),
        patterns=tuple(entry["patterns"]),
        unless=frozenset(_choices("|".join(entry["unless"].split()), words, entry["id"]))
        if "unless" in entry
        else frozenset(),
        field=entry.get("field"),
        examples=tuple(entry["examples"]),
        counter_examples=tuple(entry["not"]),
    )


@cache
def _read_toml(name: str) -> dict[str, Any]:
    return tomllib.loads((RULES_FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
