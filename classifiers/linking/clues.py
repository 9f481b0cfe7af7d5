"""What one report offers for recognising its event: words, figures, names, dates, makers, keys for copies."""

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from hashlib import blake2b
from importlib.resources import files

from classifiers.linking.when import Window, event_windows
from warehouse.schema.addresses import canonical_url
from warehouse.schema.models import Linkable

MAX_CHARS = 4000
# What identifies the event stands early. The pair scorer learnt from texts of this length: in longer ones logs and
# side remarks share so many words by chance that any two look like one event.
LEAD_CHARS = 600
# Two people do write the same five-word title about two events; the same dozen words they do not.
MIN_WORDS = 6
_WORD = re.compile(r"[a-z][a-z'-]*[a-z]")
_NAME = re.compile(r"(?<![.!?:] )(?<!^)\b[A-Z][a-zA-Z]+")
_MAKER = re.compile(r"[a-z]+\d?")
_FORM_NOISE = re.compile(
    r"<!--[\s\S]*?-->|^[ \t]*(?:#{1,6}[ \t].*|[-*][ \t]*\[[ xX]\].*|\*\*[^*\n]{1,60}\*\*:?[ \t]*|[_*-]{3,}[ \t]*)$",
    re.M,
)
# What a template puts around the words of each post: a link's target, mark-up, the name of a field before its value.
_LINK = re.compile(r"\[([^\[\]\n]{0,200})\]\([^()\s]{1,500}\)")
_MARKUP = re.compile(r"</?[a-z][a-z0-9]{0,9}(?: [^<>\n]{0,200})?/?>", re.I)
_FIELD = re.compile(r"^[ \t]*(?:[-*][ \t]+)?\*\*[^*\n]{1,40}(?::\*\*|\*\*[ \t]*:)(?=[ \t]*\S)", re.M)
_TAG = re.compile(r"^\s*(?:\[([^\]]{1,30})\]|\(([^)]{1,30})\)|([a-z ]{1,20}):)\s*", re.I)
_PLAIN = re.compile(r"[^\w]+")
_NUMBER_TOKEN = re.compile(r"\d[\d,]*(?:\.\d+)?|[a-z]+|-")
_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_NUMBER_WORDS = {word: value for value, word in enumerate([*_UNITS.split(), "eighteen", "nineteen"])}
_NUMBER_WORDS |= {word: 10 * tens for tens, word in enumerate(_TENS.split(), start=2)}
_SCALES = {"hundred": 100.0, "thousand": 1e3, "k": 1e3, "million": 1e6, "m": 1e6, "billion": 1e9, "bn": 1e9}
_SUFFIXES = (
    "ations",
    "ation",
    "ingly",
    "ments",
    "ment",
    "ings",
    "ing",
    "edly",
    "ied",
    "ies",
    "ed",
    "es",
    "s",
    "ly",
    "er",
)


@dataclass(frozen=True)
class Clues:
    """One report, read once; pairs of these are compared."""

    report: Linkable
    content: str
    lead: str
    stems: frozenset[str]
    surface: dict[str, str]
    names: frozenset[str]
    numbers: frozenset[float]
    makers: frozenset[str]
    windows: list[Window]
    past: bool
    posted: date | None
    text_key: str | None
    url_key: str | None


@cache
def rules() -> dict[str, dict[str, object]]:
    """Load the word lists of `rules/link.toml`."""
    with (files("classifiers") / "rules" / "link.toml").open("rb") as file:
        return tomllib.load(file)


@cache
def _makers() -> dict[str, str]:
    table: dict[str, list[str]] = rules()["makers"]  # type: ignore[assignment]
    return {alias: maker for maker, aliases in table.items() for alias in aliases}


@cache
def _stop() -> frozenset[str]:
    return frozenset(str(rules()["words"]["stop"]).split())


@cache
def _boilerplate(name: str) -> frozenset[str]:
    listed: list[str] = rules()["boilerplate"][name]  # type: ignore[assignment]
    return frozenset(listed)


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """Cut the commonest English endings; crude on purpose, only ever compared with itself."""
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            word = word[: -len(suffix)]
            if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "sl":
                word = word[:-1]
            if suffix in ("ied", "ies"):
                word += "y"
            break
    return word.rstrip("e") if len(word) > 4 else word


def words(text: str) -> list[str]:
    """Return the lower-case words of `text` that carry a subject, in order."""
    stop = _stop()
    return [word for word in _WORD.findall(text.lower().replace("'s", "")) if word not in stop]


def numbers(text: str) -> frozenset[float]:
    """Return the figures of a text, in digits or words: "1,446.65", "328k" and "fifty-five thousand" alike."""
    tokens = _NUMBER_TOKEN.findall(text.lower())
    found: set[float] = set()
    at = 0
    while at < len(tokens):
        token = tokens[at]
        value: float | None = None
        if token[0].isdigit():
            value, at = float(token.replace(",", "")), at + 1
            while at < len(tokens) and tokens[at] in _SCALES:
                value, at = value * _SCALES[tokens[at]], at + 1
        elif token in _NUMBER_WORDS:
            value, group = 0.0, 0.0
            while at < len(tokens) and (
                tokens[at] in _NUMBER_WORDS or tokens[at] in ("-", "hundred", "thousand", "million")
            ):
                token = tokens[at]
                if token in _NUMBER_WORDS:
                    group += _NUMBER_WORDS[token]
                elif token == "hundred":  # noqa: S105
                    group = (group or 1) * 100
                elif token != "-":  # noqa: S105
                    value, group = value + (group or 1) * _SCALES[token], 0.0
                at += 1
            value += group
        else:
            at += 1
        if value is not None:
            found.add(value)
    return frozenset(found)


def address_of(url: str | None) -> str | None:
    """Return the page a report stands on; None where the address is a whole site and identifies no report."""
    found = canonical_url(url)
    return found if found and ("/" in found or "?" in found) else None


def content_of(title: str, text: str) -> str:
    """Join title and text without tags like "[BUG]", mark-up, form headings, names of fields and unanswered ones."""
    tag = _TAG.match(title)
    while tag and (tag[1] or tag[2] or tag[3]).strip().lower() in _boilerplate("tags"):
        title = title[tag.end() :]
        tag = _TAG.match(title)
    lines = _FIELD.sub("", _MARKUP.sub(" ", _LINK.sub(r"\1", _FORM_NOISE.sub("", text)))).split("\n")
    kept = [line for line in lines if line.strip(" _*.-").lower() not in _boilerplate("lines")]
    body = "\n".join(kept).strip()
    if title and body.startswith(title):
        body = body[len(title) :].lstrip(" .:\n")
    return f"{title.strip()}. {body}".strip(". \n")[:MAX_CHARS]


def _key(text: str) -> str | None:
    plain = _PLAIN.sub(" ", unicodedata.normalize("NFKC", text).lower()).strip()
    return blake2b(plain.encode(), digest_size=12).hexdigest() if plain else None


def read(report: Linkable) -> Clues:
    """Read one report once."""
    content = content_of(report.title, report.text)
    lead = content[:LEAD_CHARS]
    listed = words(lead)
    surface: dict[str, str] = {}
    for word in listed:
        surface.setdefault(stem(word), word)
    posted = report.created_at.date() if report.created_at else None
    windows, past = event_windows(lead, posted) if posted else ([], False)
    named = f"{lead.lower()} {' '.join(report.agents).lower()}"
    makers = _makers()
    return Clues(
        report=report,
        content=content,
        lead=lead,
        stems=frozenset(surface),
        surface=surface,
        names=frozenset(stem(name.lower()) for name in _NAME.findall(lead)),
        numbers=numbers(lead),
        makers=frozenset(makers[word] for word in _MAKER.findall(named) if word in makers),
        windows=windows,
        past=past,
        posted=posted,
        text_key=_key(content) if len(listed) >= MIN_WORDS else None,
        url_key=address_of(report.url),
    )
