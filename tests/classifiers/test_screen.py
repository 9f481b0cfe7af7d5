import gzip
import json
import time

import pytest

from classifiers.screen import SCREEN_VERSION, _compiled, screen, screen_many
from warehouse.schema.models import Post

TRACKER = "github_issue:anthropics/claude-code"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("", "The coding agent deleted the whole repo without asking, although I had told it not to touch anything."),
        ("", "GPT lied about the tests: it claimed they passed and never ran them."),
        ("", "An AI agent escaped its sandbox and ignored the order to stop"),
        (TRACKER, "Ignores plan mode and edits files without permission"),
        (TRACKER, "Pushed to main despite explicit instructions"),
        (TRACKER, "Fabricated test results and then admitted it"),
    ],
)
def test_told_events_are_kept_with_a_reason(source, text):
    verdict = screen(Post(id="1", source=source, text=text))
    assert verdict.kept
    assert 1 <= len(verdict.reasons) <= 3


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("", ""),
        ("", "\U0001f600\U0001f525"),
        ("", "Which GPU is best for local models?"),
        ("", "My cat deleted the file."),
        (TRACKER, "Add a dark theme for the terminal"),
        (TRACKER, "API Error 500 on login, Windows"),
        ("", "\u4f60\u597d"),
    ],
)
def test_other_posts_are_dropped_without_one(source, text):
    verdict = screen(Post(id="1", source=source, text=text))
    assert not verdict.kept
    assert verdict.reasons == ()


def test_spelling_tricks_do_not_hide_a_post():
    plain = "Claude ignored the rule and force-pushed without permission"
    odd = "CLAUDE \u2018ign\u200bored\u2019 the rule &amp; and **force\u2011pushed**\n\n without\u00a0permission"
    assert screen(Post(id="1", text=plain)).kept
    assert screen(Post(id="1", text=odd)).kept


def test_no_vendor_is_read_more_closely_than_another():
    told = "{} overwrote the tests without permission and claimed that they passed"
    names = ("Claude", "Codex", "Gemini", "Copilot", "Cursor", "Grok", "Kimi", "OpenClaw", "Devin", "The agent")
    compiled = _compiled()
    assert len({screen(Post(id="1", text=told.format(name))) for name in names}) == 1
    assert {compiled.points[i] for i, k in enumerate(compiled.classes) if k == compiled.agent} == {0}


def test_many_give_the_same_as_each_alone_in_the_same_order():
    posts = [
        Post(id=str(i), text=text) for i, text in enumerate(["", "the agent lied and deleted my files", "hello"] * 3)
    ]
    assert list(screen_many(posts)) == [screen(post) for post in posts]


def test_the_version_names_the_screen():
    assert SCREEN_VERSION.startswith("screen-")


def test_a_megabyte_is_screened_in_bounded_time():
    started = time.perf_counter()
    for unit in ("a ", "agent deleted ", "\u0301", "\ud800", "x", "\x00\x01"):
        screen(Post(id="1", text=unit * (1_000_000 // len(unit))))
    assert time.perf_counter() - started < 10


def _posts(path, only_positive):
    raw = path.read_bytes()
    for line in (gzip.decompress(raw) if path.suffix == ".gz" else raw).splitlines():
        row = json.loads(line)
        if only_positive and row["gold"] != "positive":
            continue
        title = row["title"] or ""
        yield Post(id=row["id"], source=row["source"], title=title, text=(row["text"] or "").removeprefix(title))


def test_strict_positives_are_kept_and_nine_tenths_of_real_posts_dropped(shared):
    positives = [post for name in ("real", "own_words") for post in _posts(shared / "gold" / f"{name}.jsonl", True)]
    kept = sum(verdict.kept for verdict in screen_many(positives))
    assert kept >= 0.97 * len(positives)
    pool = [post for path in sorted((shared / "real").glob("*.jsonl.gz")) for post in _posts(path, False)]
    started = time.perf_counter()
    passed = sum(verdict.kept for verdict in screen_many(pool))
    seconds = time.perf_counter() - started
    assert passed <= 0.10 * len(pool)
    # Far below what it does (60,000 a second and more), so that a busy machine passes.
    assert len(pool) / seconds > 10_000
