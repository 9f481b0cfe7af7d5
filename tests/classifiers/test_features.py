import time

import numpy as np
import pytest

from classifiers.features import SIGNS, Parts, learn_space, mask, prepare
from classifiers.items import strip_title
from classifiers.rules import find_hits, rule_ids
from warehouse.schema.models import Post


def post(title: str, text: str = "") -> Post:
    return Post(id="x", title=title, text=text)


def vectors(count: int) -> np.ndarray:
    return np.random.default_rng(0).normal(2, 3, size=(count, 48)).astype(np.float32)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Claude Code deleted my files", "Gemini CLI deleted my files"),
        ("Opus 4.6 lied about the tests", "GPT-5.2 lied about the tests"),
        ("Opus 4.6 lied about the tests", "Gemini 3 Pro lied about the tests"),
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
    space = learn_space([prepare(one) for one in texts], vectors(2), rule_ids())
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
    space = learn_space([prepare(one)], vectors(1), rule_ids())
    with_hits, without = space.vector(prepare(one), hits), space.vector(prepare(one), [])
    assert len(with_hits.indices) > len(without.indices)


def test_a_place_keeps_how_far_texts_lie_apart() -> None:
    states = vectors(40)
    space = learn_space([Parts("a", "b")] * 40, states, [])
    places = np.stack([space.place(one) for one in states])
    scaled = (states - states.mean(axis=0)) / states.std(axis=0) / np.sqrt(states.shape[1])
    assert np.allclose(places @ places.T, scaled @ scaled.T, atol=0.01)
    assert np.mean((places**2).sum(axis=1)) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(
    ("sign", "text"),
    [
        ("code", "It ran `rm -rf build` at once."),
        ("code", "```\n$ git push\n```"),
        ("quote", 'It said "I have run all the tests and they pass" to me.'),
        ("quote", "> I have run all the tests"),
        ("admission", "You're right, I should not have done that."),
        ("admission", "The agent admitted it."),
        ("log", "12:04:33 deleting"),
        ("picture", "See ![this](x.png)"),
    ],
)
def test_signs_of_an_artefact_are_seen_in_the_post_as_written(sign: str, text: str) -> None:
    found = dict(zip(SIGNS, prepare(post("t", text)).signs, strict=True))
    assert found[sign] >= 1
    assert not any(prepare(post("t", "It deleted my files.")).signs)


def test_no_sign_backtracks_without_bound() -> None:
    started = time.perf_counter()
    for text in ("`" * 6000, '"' * 6000, "`a" * 3000, '"' + "a" * 6000, " " * 6000, "i should" * 800):
        prepare(post("t", text))
    assert time.perf_counter() - started < 3


def test_a_megabyte_costs_no_more_than_a_page() -> None:
    space = learn_space([Parts("a", "b")], vectors(1), [])
    started = time.perf_counter()
    for text in ("x" * 1_000_000, "- [x] " * 200_000, "a b " * 250_000, "<" * 1_000_000):
        space.vector(prepare(post("t", text)), [])
    assert time.perf_counter() - started < 3
