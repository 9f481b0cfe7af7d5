"""Reading everything: parsing, mapping, the screen, against a keyword filter in pandas."""

import json
from datetime import UTC, datetime
from typing import Final

import pandas as pd

from classifiers.screen import screen_many
from flows.mapping import to_report
from flows.steps import as_post
from tests.bench import posts
from tests.bench.frame import Row, clocked, peak, rate

TITLE: Final = "Reading every post"
ABOUT: Final = (
    "The first stage reads everything, so it must cost next to nothing. The baseline is what nobody can do without: "
    "parsing the same lines. The keyword filter is the usual notebook: one case-insensitive regular expression of "
    "ten words for an agent and twenty for what it did, both required, over a pandas column. The shares kept are of the "
    "same posts; what each of the filters misses stands under quality."
)

_AGENT = "claude|codex|copilot|cursor|gemini|chatgpt|gpt|agent|llm|assistant"
_ACT = (
    "deleted?|wiped|dropped|removed|lied|lying|faked|fabricated|ignored|disobeyed|refused|bypassed|disabled|overwrote|"
    "leaked|exfiltrat|without (?:asking|permission)|force.?push|pretended|sabotag"
)


def keyword_filter(texts: "pd.Series[str]") -> "pd.Series[bool]":
    """Return which texts name an agent and one of the acts, as a notebook would ask."""
    return texts.str.contains(_AGENT, case=False) & texts.str.contains(_ACT, case=False)


def rows(*, small: bool) -> list[Row]:
    """Measure on drawn posts."""
    lines = posts.drawn(500 if small else 50_000)
    n = len(lines)
    now = datetime.now(UTC)
    parsing, items = clocked(lambda: [json.loads(line) for line in lines])
    mapping, mapped = clocked(
        lambda: [as_post(to_report(item, source_id="import", key=b"k", now=now)) for item in items]
    )
    # The automaton is built at the first post.
    list(screen_many(mapped[:1]))
    screening, verdicts = clocked(lambda: list(screen_many(mapped)))
    texts = pd.Series([posts.text_of(item) for item in items])
    filtering, kept = clocked(lambda: keyword_filter(texts))
    parse = rate("parse lines", n, parsing)
    filter_ = rate("keyword filter in pandas", n, filtering)
    screened = sum(verdict.kept for verdict in verdicts)
    return [
        parse,
        rate("map to a report", n, mapping, against=parse),
        rate("screen", n, screening, against=parse),
        filter_,
        rate("screen against the keyword filter", n, screening, against=filter_),
        Row("share kept by the screen", screened / n, "share", n),
        Row("share kept by the keyword filter", float(kept.mean()), "share", n),
        Row("length of a post", sum(len(posts.text_of(item)) for item in items) / n, "characters", n),
        peak(),
    ]
