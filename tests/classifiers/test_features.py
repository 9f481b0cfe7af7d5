import time

import numpy as np
import pytest

from classifiers.features import DIMENSIONS, Parts, learn_space, mask, prepare
from classifiers.items import strip_title
from classifiers.rules import find_hits, rule_ids
from warehouse.schema.models import Post


def post(title: str, text: str = "") -> Post:
    return Post(id="x", title=title, text=text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Claude Code deleted my files", "Gemini CLI deleted my files"),
        ("Opus 4.6 lied about the tests", "GPT-5.2 lied about the tests"),
        ("OpenAI says its model escaped", "Anthropic says its model escaped"),
        ("Codex ignores AGENTS.md", "Claude ignores CLAUDE.md"),
    ],
)
def test_names_do_not_reach_the_heads(one: str, other: str) -> None:
    assert mask(one) == mask(other)


def test_masking_keeps_what_happened() -> None:
    assert mask("Cursor ran rm -rf without asking") == "the agent ran rm -rf without asking"


def test_links_markup_and_check_boxes_are_not_read() -> None:
    parts = prepare(
        post(
            "Bug",
            "- [x] I have searched existing issues\n### What happened\nIt <b>deleted</b> https://example.org/a?b=c it",
        )
    )
    assert "searched" not in parts.body
    assert "example.org" not in parts.body
    assert "<b>" not in parts.body
    assert "deleted" in parts.body


def test_a_repeated_title_is_not_counted_twice() -> None:
    assert strip_title("It lied", "It lied\n\nThen it stopped") == "Then it stopped"
    assert strip_title("It lied", "It lied") == ""
    assert strip_title("It lie", "It lied again") == "It lied again"
    assert strip_title("", "text") == "text"


def test_blocks_have_unit_length_and_indices_are_unique() -> None:
    texts = [post("Agent deleted the table", "It said all was well."), post("Slow answers", "Very slow today.")]
    space = learn_space([prepare(one) for one in texts], rule_ids(), seed=0)
    for one in texts:
        vector = space.vector(prepare(one), [])
        assert len(set(vector.indices.tolist())) == len(vector.indices)
        assert vector.indices.max() < space.size
        ngrams = vector.values[vector.indices < len(space.idf)]
        assert np.isclose((ngrams**2).sum(), 5.0)


def test_rule_hits_have_a_place_of_their_own() -> None:
    one = post("Claude deleted my files without permission although I told it not to")
    hits = find_hits(one)
    assert hits, "the example must fire a rule"
    space = learn_space([prepare(one)], rule_ids(), seed=0)
    with_hits, without = space.vector(prepare(one), hits), space.vector(prepare(one), [])
    assert len(with_hits.indices) > len(without.indices)


def test_waves_approximate_a_gaussian_kernel() -> None:
    space = learn_space([Parts("a", "b")], [], seed=3)
    generator = np.random.default_rng(0)
    vectors = generator.normal(size=(30, DIMENSIONS))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    waves = np.stack([space.waves(one) for one in vectors])
    exact = np.exp(-(2 - 2 * vectors @ vectors.T))
    assert np.abs(waves @ waves.T - exact).mean() < 0.03


def test_a_megabyte_costs_no_more_than_a_page() -> None:
    space = learn_space([Parts("a", "b")], [], seed=0)
    started = time.perf_counter()
    for text in ("x" * 1_000_000, "- [x] " * 200_000, "a b " * 250_000, "<" * 1_000_000):
        space.vector(prepare(post("t", text)), [])
    assert time.perf_counter() - started < 3
