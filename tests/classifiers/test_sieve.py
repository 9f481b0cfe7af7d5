"""The sieve learns from few texts what to hand on, in bounded time, whatever the product is called."""

import time

import numpy as np

from classifiers.encoder import piece_vectors
from classifiers.heads import load_heads
from classifiers.sieve import BUCKETS, Beginning, Sieve, buckets, fit_weights, matrix, pack, pieces
from warehouse.schema.models import Post

EVENTS = ("Agent deleted my files without asking", "It lied about the tests", "Bot pushed although I forbade it")
TALK = ("How do I change the theme", "The update is slow again", "Which plan should I buy")


def posts(texts: tuple[str, ...]) -> list[Post]:
    return [Post(id=str(number), title=text) for number, text in enumerate(texts)]


def learnt() -> Sieve:
    rows = matrix(posts(EVENTS + TALK))
    goal = np.array([True] * len(EVENTS) + [False] * len(TALK))
    return pack(fit_weights(rows, goal, np.ones(len(goal))), 0.0)


def test_what_is_learnt_tells_events_from_talk_in_new_words() -> None:
    sieve = learnt()
    assert all(sieve.passes(post) for post in posts(EVENTS))
    assert not any(sieve.passes(post) for post in posts(TALK))
    assert sieve.passes(Post(id="n", title="Agent deleted the tests"))
    assert not sieve.passes(Post(id="o", title="How slow is the plan"))


def test_stored_weights_answer_as_the_fitted_ones() -> None:
    rows = matrix(posts(EVENTS + TALK))
    fitted = fit_weights(rows, np.array([True, True, True, False, False, False]), np.ones(6))
    sieve = pack(fitted, 0.0)
    raw = rows @ fitted[:-1] + fitted[-1]
    stored = [sieve.score(post) - sieve.cut for post in posts(EVENTS + TALK)]
    assert np.allclose(stored, raw, atol=0.1)


def test_a_name_moves_nothing() -> None:
    one = Post(id="a", title="Claude Code deleted my files", text="Anthropic says sorry")
    other = Post(id="b", title="Gemini CLI deleted my files", text="Google says sorry")
    assert buckets(Beginning.of(one)) == buckets(Beginning.of(other))
    assert pieces(Beginning.of(one)) == pieces(Beginning.of(other))


def test_a_word_never_met_is_read_like_its_neighbours() -> None:
    sieve = learnt()
    unmet = [sieve.score(post) for post in posts(("erased", "fabricated", "colour", "price"))]
    assert min(unmet[:2]) > max(unmet[2:])


def test_empty_and_endless_texts_are_scored_in_bounded_time() -> None:
    sieve = learnt()
    assert sieve.score(Post(id="e")) == 0.0
    started = time.perf_counter()
    for text in ("a b " * 250_000, "x" * 1_000_000, "\ud800" * 1000, "claude " * 100_000):
        sieve.score(Post(id="l", title=text, text=text))
    assert time.perf_counter() - started < 2


def test_the_shipped_sieve_hands_on_events_and_drops_small_talk() -> None:
    sieve = load_heads().sieve
    assert sieve.weights.shape == (BUCKETS,)
    assert sieve.pieces.shape == (2, len(piece_vectors()))
    assert sieve.passes(Post(id="a", title="Agent wiped the database although I had told it not to touch it"))
    assert not sieve.passes(Post(id="b", title="Feature request: a setting for the colour of the prompt"))
