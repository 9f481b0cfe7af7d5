"""Texts of the labelled posts, which are not ours to ship: fetched again from where they were published.

What ships is each post's address, its labels and a fingerprint of what the annotators read: so anyone can see which
texts are still the same, and judge the instrument, or train it, on those.
"""

import csv
import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from classifiers.items import GoldItem, strip_title
from flows import progress
from flows.collectors import ready
from flows.errors import InputError
from flows.exchange import SourceError
from flows.http import Client
from flows.identity import identify
from flows.sources.base import BadItem, Looks

LABELS: Final = "real_labels.jsonl"
FINGERPRINTS: Final = "real_texts.csv"
LOOKED_UP: Final = ("github", "hackernews", "reddit")
_COLUMNS: Final = ("id", "title_hash", "text_hash", "text_chars")
_SPACE = re.compile(r"\s+")
_CUT = re.compile(r"\s*(?:…|\.{3})$")


@dataclass(frozen=True)
class Fingerprint:
    """What the annotators read of one post: hashes of title and text without their spaces' kinds, and a length."""

    title_hash: str
    text_hash: str
    text_chars: int


@dataclass(frozen=True)
class Fetched:
    """What came back: items by outcome, and why the others did not."""

    outcomes: Mapping[str, int]
    reasons: Mapping[str, int]


def fingerprint(title: str, text: str) -> Fingerprint:
    """Return the fingerprint of a text as labelled; an ellipsis where it was cut off does not count."""
    read = _CUT.sub("", _even(strip_title(title, text)))
    return Fingerprint(_hash(_even(title)), _hash(read), len(read))


def same(found: Fingerprint, title: str, text: str) -> bool:
    """Whether a text fetched now begins as the one that was labelled, and has its title."""
    read = _even(strip_title(title, text))[: found.text_chars]
    return _hash(_even(title)) == found.title_hash and _hash(read) == found.text_hash


def write_fingerprints(items: Iterable[GoldItem], path: Path) -> int:
    """Write the fingerprints of labelled texts as CSV; return how many."""
    rows = [(item.id, fingerprint(item.title or "", item.text or "")) for item in items if item.has_text]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        writer.writerows((name, found.title_hash, found.text_hash, found.text_chars) for name, found in sorted(rows))
    return len(rows)


def fetch_gold(out: Path, http: Client, *, folder: Path | None = None) -> Fetched:
    """Fetch the labelled posts again and write those that come back, with labels and text, as a gold file.

    Args:
        out: JSON lines; only texts that are the same as those labelled are written, cut to what was labelled.
        http: the client.
        folder: where labels and fingerprints lie; the default is what is shipped.

    Raises:
        InputError: the labels or fingerprints are missing.
    """
    base = folder or Path(str(files("classifiers"))) / "gold"
    labels, known = _labels(base), _fingerprints(base)
    outcomes: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    wanted: dict[str, list[tuple[str, dict[str, Any]]]] = defaultdict(list)
    for label in labels:
        found = identify(label["id"], label["source"], label.get("url"))
        usable = found.platform in LOOKED_UP and "given/" not in found.report_id and "/" not in found.native_id
        if usable and label["id"] in known:
            wanted[found.platform].append((found.report_id, label))
        else:
            outcomes["not fetchable"] += 1
            reasons[f"{found.platform}: no way to ask for a single post"] += 1
    written = []
    with progress.step("gold", sum(map(len, wanted.values()))) as advance:
        for built in ready([name for name in LOOKED_UP if name in wanted], http):
            name, posts = built.entry.source, wanted[built.entry.source]
            if built.source is None:
                outcomes["not fetchable"] += len(posts)
                reasons[f"{name}: {built.detail}"] += len(posts)
                advance(len(posts))
                continue
            for report_id, label in posts:
                outcome, reason, item = _one(built.source, built.entry.to_post, report_id, known[label["id"]])
                outcomes[outcome] += 1
                if reason:
                    reasons[f"{name}: {reason}"] += 1
                if item:
                    written.append({**label, **item})
                advance(1)
    with out.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(item, ensure_ascii=False) + "\n" for item in written)
    return Fetched(dict(outcomes), dict(reasons))


def _one(source: Any, to_post: Any, report_id: str, known: Fingerprint) -> tuple[str, str, dict[str, str] | None]:  # noqa: ANN401
    """Return one post's outcome, why it failed if it did, and its text where it is the one that was labelled."""
    looks: Looks = source
    try:
        found = looks.lookup([report_id])
        if report_id not in found:
            return "failed", "refused", None
        native = found[report_id]
        if native is None:
            return "gone", "", None
        post = to_post(native)
    except SourceError as error:
        return "failed", type(error).__name__, None
    except BadItem as error:
        return "failed", error.reason, None
    title, text = str(post["title"] or ""), str(post["text"] or "")
    if not same(known, title, text):
        return "changed", "", None
    return "same", "", {"title": title, "text": _cut(strip_title(title, text), known.text_chars)}


def _cut(text: str, chars: int) -> str:
    """Return the shortest beginning of a text that has so many characters once its spaces are evened out."""
    if len(_even(text)) <= chars:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high) // 2
        if len(_even(text[:middle])) < chars:
            low = middle + 1
        else:
            high = middle
    return text[:low]


def _even(text: str) -> str:
    return _SPACE.sub(" ", text).strip()


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _labels(folder: Path) -> list[dict[str, Any]]:
    path = folder / LABELS
    if not path.is_file():
        msg = f"{path}: there is no such file"
        raise InputError(msg)
    items = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [{name: value for name, value in item.items() if name != "prediction"} for item in items]


def _fingerprints(folder: Path) -> dict[str, Fingerprint]:
    path = folder / FINGERPRINTS
    if not path.is_file():
        msg = f"{path}: there is no such file"
        raise InputError(msg)
    with path.open(encoding="utf-8", newline="") as file:
        return {
            row["id"]: Fingerprint(row["title_hash"], row["text_hash"], int(row["text_chars"]))
            for row in csv.DictReader(file)
        }
