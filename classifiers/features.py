"""What the heads see of one post: hashed n-grams, rule hits, shape, and the text that the encoder reads.

Agent and vendor names are masked first, so that one product's name cannot move a judgement more than another's.
"""

import math
import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain, islice, pairwise
from typing import TYPE_CHECKING, Final

from classifiers.cues import CUES_VERSION, cue_grams
from classifiers.text import read
from warehouse.schema.models import Post

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from classifiers.rules import Hit

FEATURES_VERSION: Final = f"features-2+{CUES_VERSION}"
SAME: Final = 1e-4
"""Standard deviation below which a number of the encoder's tells no text from another."""
COMPONENTS: Final = 256
"""Principal components of the encoder's vectors that are kept (measured: all of them judge no better)."""
SKIP_WINDOW: Final = 5
STEM: Final = 6
"""Characters of a word that count in a pair of words: a crude stem that keeps no whole sentence."""
LEAD_WORDS: Final = 110
"""Words of the body that are read with the title: about 150 word pieces, inside the encoder's window."""
BODY_CHARACTERS: Final = 3000
MAX_WORD: Final = 40
"""Characters of a word that are read in runs."""
TITLE_BUCKETS: Final = 1 << 14
WORD_BUCKETS: Final = 1 << 15
CHARACTER_BUCKETS: Final = 1 << 16
PAIR_BUCKETS: Final = 1 << 15
CUE_BUCKETS: Final = 1 << 12
RULE_FIELDS: Final = ("title", "text", "any")
RULE_SCALE: Final = 0.4
SHAPE_SCALE: Final = 0.3
SHAPE: Final = ("title_only", "length", "question", "first_person", "list_of_links")
SIGN_SCALE: Final = 1.0
SIGNS: Final = {
    "code": r"`[^`\n]{3,200}`|^[ \t]{0,3}(?:```|~~~)",
    "quote": r"[\"\u201c][^\"\u201c\u201d\n]{20,300}[\"\u201d]|^[ \t]{0,3}>",
    "admission": r"\b(?:i apologi[sz]e|you['\u2019]re (?:absolutely )?right|i should(?: not|n['\u2019]t)? have"
    r"|my mistake|i (?:made a mistake|violated|lied|was wrong|ignored|fabricated)"
    r"|admit(?:s|ted)|confess(?:es|ed)|acknowledged)\b",
    "log": r"\b\d{2}:\d{2}:\d{2}\b|^[ \t]{0,3}\$ |\u23fa|\u23bf|\b(?:bash|edit|write)\(",
    "picture": r"!\[|<img\b|\bscreenshot",
}
"""Signs of an artefact in the text: what the codebook's third degree of evidence rests on. They are looked for in the
post as written, since cleaning takes marks away."""
MAX_SIGNS: Final = 4

_LINK = re.compile(r"https?://[^\s)>\]]{1,400}")
_CHECKBOX = re.compile(r"[-*] \[[xX ]\] [^\n\[]{0,300}(?:\[[^\]\n]{0,100}\]\([^)\n]{0,300}\)[^\n\[]{0,200})?")
_WORD = re.compile(r"[a-z0-9_'-]+|[!?]")
_RULE_FILE = re.compile(r"\b(?:claude|agents|gemini|copilot-instructions)\.(?:local\.)?md\b", re.IGNORECASE)
# Wider than the maintained list of agents on purpose: a nickname that the list does not know must not leak
# the vendor into a judgement either.
_PRODUCT = re.compile(
    r"\b(?:claude[ -]?code|claude|opus|sonnet|haiku|fable|mythos|chat ?gpt|gpt|codex|gemini(?: cli)?|bard|cursor|"
    r"copilot|replit|openclaw|moltbot|clawdbot|kiro|antigravity|cline|roo(?: code)?|grok|deepseek|kimi|qwen|llama|"
    r"mistral|windsurf|devin|amazon q|aider|opencode|goose|manus|hermes|o[134](?:-mini)?)"
    r"(?:(?:[ -]?v?\d[\w.]{0,12}){1,3}(?:[ -](?:pro|flash|ultra|mini|nano|turbo|max))?)?\b",
    re.IGNORECASE,
)
_VENDOR = re.compile(
    r"\b(?:anthropic|open ?ai|google|deepmind|microsoft|meta|xai|moonshot|amazon|aws|alibaba)\b", re.IGNORECASE
)
_SIGNS: Final = tuple(re.compile(pattern, re.IGNORECASE | re.MULTILINE) for pattern in SIGNS.values())
_SMALL_WORDS: Final = frozenset(
    {"the", "a", "an", "of", "to", "in", "on", "for", "and", "or", "is", "are", "was", "be", "it", "its", "this"}
    | {"that", "with", "as", "at", "by", "from", "i", "my", "me"}
)
_FIRST_PERSON = re.compile(r"\b(?:i|my|me|we|our|us)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Sparse:
    """One post in the hashed space: `indices` are unique and rising, `values` lie beside them."""

    indices: "NDArray[np.int64]"
    values: "NDArray[np.float64]"


@dataclass(frozen=True)
class Parts:
    """A post after cleaning and masking; `reading` is what the encoder gets."""

    title: str
    body: str
    signs: tuple[int, ...] = (0,) * len(SIGNS)
    """How often each of `SIGNS` was found, at most `MAX_SIGNS`."""

    @property
    def lead(self) -> str:
        """Title and the first words of the body."""
        return f"{self.title} {' '.join(self.body.split()[:LEAD_WORDS])}".strip()

    @property
    def reading(self) -> str:
        """Title and lead as one passage."""
        return f"{self.title}. {' '.join(self.body.split()[:LEAD_WORDS])}".strip()


def mask(text: str) -> str:
    """Replace agent and vendor names by one neutral word each; files of rules keep their meaning."""
    return _VENDOR.sub("the company", _PRODUCT.sub("the agent", _RULE_FILE.sub("the rules file", text)))


def prepare(post: Post) -> Parts:
    """Clean and mask: links, markup and template check boxes say nothing about the event."""

    def clean(field: str) -> str:
        return mask(read(_LINK.sub(" link ", _CHECKBOX.sub(" ", field))).text)

    # Cut before cleaning, so that a megabyte costs no more than a page.
    written = post.text[: 2 * BODY_CHARACTERS]
    signs = tuple(sum(1 for _ in islice(sign.finditer(written), MAX_SIGNS)) for sign in _SIGNS)
    return Parts(clean(post.title[:BODY_CHARACTERS]), clean(written)[:BODY_CHARACTERS], signs)


def is_bare(post: Post) -> bool:
    """Say whether there is nothing but a title."""
    return not post.text.strip()


def _bucket(gram: str, size: int) -> int:
    return zlib.crc32(gram.encode("utf-8", "replace")) & (size - 1)


def words(text: str) -> list[str]:
    """Return the words of a text as the n-grams count them, in lower case."""
    return _WORD.findall(text.lower())


def _word_grams(text: str) -> Iterable[str]:
    found = words(text)
    yield from found
    for first, second in pairwise(found):
        yield f"{first} {second}"


def _character_buckets(text: str) -> Iterable[int]:
    return chain.from_iterable(_buckets_of_word(word[:MAX_WORD]) for word in text.lower().split())


@lru_cache(maxsize=1 << 16)
def _buckets_of_word(word: str) -> tuple[int, ...]:
    """Return the buckets of a word's runs of 2 to 5 characters; kept, since most words of a post were met before."""
    padded = f" {word} "
    runs = (padded[at : at + size] for size in range(2, 6) for at in range(len(padded) - size + 1))
    return tuple(_bucket(run, CHARACTER_BUCKETS) for run in runs)


def _pair_grams(text: str) -> Iterable[str]:
    """Ordered pairs of content words a few words apart: who did what, without what."""
    stems = [word[:STEM] for word in words(text) if word not in _SMALL_WORDS]
    for position, first in enumerate(stems):
        for second in stems[position + 1 : position + 1 + SKIP_WINDOW]:
            yield f"{first}>{second}"


def _shape(parts: Parts) -> list[float]:
    length = len(parts.body.split())
    return [
        float(length == 0),
        math.log1p(length) / 6,
        float("?" in parts.title),
        min(len(_FIRST_PERSON.findall(parts.lead)), 6) / 6,
        min(parts.body.count(" link "), 5) / 5,
    ]


@dataclass(frozen=True)
class Space:
    """The feature space of one artefact: five hashed n-gram blocks, the rules known at training, the text's shape.

    `idf` has one weight per n-gram bucket (smoothed inverse document frequency, log((1+n)/(1+df)) + 1). `projection`
    (encoder dimensions, components) and `centre` (components,) place an encoder vector: its standardised numbers'
    principal components, scaled so that texts lie at a squared length of about 1.
    """

    rules: tuple[str, ...]
    idf: "NDArray[np.float32]"
    projection: "NDArray[np.float32]"
    centre: "NDArray[np.float32]"

    @property
    def size(self) -> int:
        """Number of sparse features."""
        return len(self.idf) + len(RULE_FIELDS) * len(self.rules) + len(SHAPE) + len(SIGNS)

    def place(self, vector: "NDArray[np.float32]") -> "NDArray[np.float64]":
        """Return the place of one encoder vector, shape (components,)."""
        import numpy as np

        return np.asarray(vector.astype(np.float64) @ self._exact - self.centre, dtype=np.float64)

    @cached_property
    def _exact(self) -> "NDArray[np.float64]":
        return self.projection.astype("float64")

    def vector(self, parts: Parts, hits: "Sequence[Hit]") -> Sparse:
        """Place one post in the sparse part of the space; each n-gram block has length 1."""
        import numpy as np

        indices: list[int] = []
        values: list[float] = []
        blocks = []
        for keys, counts in block_counts(parts):
            block = (1 + np.log(counts)) * self.idf[keys].astype(float)
            blocks.append((keys, block / (float(np.linalg.norm(block)) or 1.0)))
        base = len(self.idf)
        fired: set[tuple[str, str]] = {(hit.rule, hit.span.field) for hit in hits}
        fired |= {(rule, "any") for rule, _ in fired}
        for position, rule in enumerate(self.rules):
            for offset, field in enumerate(RULE_FIELDS):
                if (rule, field) in fired:
                    indices.append(base + len(RULE_FIELDS) * position + offset)
                    values.append(RULE_SCALE)
        base += len(RULE_FIELDS) * len(self.rules)
        for position, value in enumerate(_shape(parts)):
            if value:
                indices.append(base + position)
                values.append(SHAPE_SCALE * value)
        for position, count in enumerate(parts.signs, base + len(SHAPE)):
            if count:
                indices.append(position)
                values.append(SIGN_SCALE * (1 + count / MAX_SIGNS) / 2)
        return Sparse(
            np.concatenate([*(keys for keys, _ in blocks), np.array(indices, dtype=np.int64)]),
            np.concatenate([*(block for _, block in blocks), np.array(values)]),
        )


NGRAM_BUCKETS: Final = TITLE_BUCKETS + WORD_BUCKETS + CHARACTER_BUCKETS + PAIR_BUCKETS + CUE_BUCKETS
CUE_BLOCK: Final = slice(NGRAM_BUCKETS - CUE_BUCKETS, NGRAM_BUCKETS)


def block_counts(parts: Parts) -> "list[tuple[NDArray[np.int64], NDArray[np.int64]]]":
    """Count hashed n-grams: words of the title, of title and lead, characters of the whole, pairs, cues.

    Returns the rising buckets of each block and how often each was met.
    """
    import numpy as np

    blocks = (
        (TITLE_BUCKETS, hashed(_word_grams(parts.title), TITLE_BUCKETS)),
        (WORD_BUCKETS, hashed(_word_grams(parts.lead), WORD_BUCKETS)),
        (CHARACTER_BUCKETS, _character_buckets(f"{parts.title} {parts.body}")),
        (PAIR_BUCKETS, hashed(_pair_grams(parts.lead), PAIR_BUCKETS)),
        (CUE_BUCKETS, hashed(cue_grams(parts.title, parts.lead), CUE_BUCKETS)),
    )
    counts, offset = [], 0
    for size, buckets in blocks:
        found, often = np.unique(np.fromiter(buckets, dtype=np.int64), return_counts=True)
        counts.append((found + offset, often))
        offset += size
    return counts


def hashed(grams: Iterable[str], size: int) -> Iterable[int]:
    """Yield the bucket of each gram, below `size`, a power of two."""
    return (_bucket(gram, size) for gram in grams)


def learn_space(parts: Sequence[Parts], vectors: "NDArray[np.float32]", rules: Sequence[str]) -> Space:
    """Learn the document frequencies of the n-gram buckets, and the principal components of the encoder's vectors."""
    import numpy as np

    seen = np.zeros(NGRAM_BUCKETS)
    for one in parts:
        for keys, _ in block_counts(one):
            seen[keys] += 1
    idf = np.log((1 + len(parts)) / (1 + seen)) + 1
    mean, spread = vectors.mean(axis=0, dtype=float), vectors.std(axis=0, dtype=float)
    spread[spread < SAME] = np.inf
    scale = 1 / (spread * math.sqrt(vectors.shape[1]))
    components = np.linalg.svd((vectors - mean) * scale, full_matrices=False)[2][:COMPONENTS]
    # Stored in 16 bits: training sees the same rounded values as inference.
    projection = (scale[:, None] * components.T).astype(np.float16).astype(np.float32)
    return Space(
        tuple(rules),
        idf.astype(np.float16).astype(np.float32),
        projection,
        (mean @ projection).astype(np.float32),
    )
