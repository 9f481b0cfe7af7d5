import json
import re
import tomllib
from datetime import date

import pytest

from classifiers.agents import AGENTS_FILE, find_agents, is_about_agent, released, tracked
from warehouse.schema.models import Agent, Post


def _names(text="", title="", source=""):
    return [agent.name for agent in find_agents(Post(id="1", source=source, title=title, text=text))]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Claude Code deleted my branch", ["claude code"]),
        ("Gemini CLI made up git output", ["gemini cli"]),
        ("GPT-5.2 ignored the rule", ["gpt-5.2"]),
        ("Claude Opus 4.5 ran a migration", ["claude opus 4.5"]),
        ("I run Claude Code with Opus 4.6 and it pushed", ["claude code", "opus 4.6"]),
        ("claude-opus-4-6 went on", ["claude-opus-4-6"]),
        ("Gemini 3 Pro wiped the disk", ["gemini 3 pro"]),
        ("DeepSeek V3.1 lied to me", ["deepseek v3.1"]),
        ("GLM 4.7 and nothing else", ["glm 4.7"]),
        ("Kimi K2.5 edited files", ["kimi k2.5"]),
        ("ChatGPT told me it had sent the mail", ["chatgpt"]),
        ("ROO CODE rewrote it", ["roo code"]),
        ("d\u200bevin \u2014 the AI engineer \u2014 closed my PR", ["devin"]),
        ("OpenAI's models broke out", ["openai's models"]),
        ("nothing of the kind", []),
        ("", []),
        ("\U0001f600", []),
    ],
)
def test_names_are_found_as_written(text, names):
    assert _names(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "The mouse cursor jumps to the left",
        "A goose chase through the park",
        "Claude Monet painted lilies",
        "see ~/.claude/settings.json and CLAUDE.md",
        "https://github.com/anthropics/claude-code",
        "I wrote a sonnet about spring",
        "please continue",
    ],
)
def test_everyday_words_paths_and_addresses_name_no_agent(text):
    assert _names(text) == []


def test_what_a_tracker_is_about_is_not_named_there():
    tracker = "github_issue:anthropics/claude-code"
    assert _names(title="Deleted my files", source=tracker) == []
    assert _names(title="Opus 4.6 deleted my files", source=tracker) == ["opus 4.6"]
    assert tracked(tracker) == [Agent(name="claude code", family="claude code", vendor="anthropic")]
    assert [agent.name for agent in tracked("github_issue_title:openai/codex")] == ["codex"]
    assert [agent.name for agent in tracked("reddit:r/ClaudeCode")] == ["claude code"]
    assert tracked("reddit:r/programming") == []


def test_a_makers_unnamed_agent_is_found_with_either_apostrophe():
    assert _names("OpenAI\u2019s rogue agent broke out") == ["openai's rogue agent"]


def test_an_everyday_word_is_a_name_on_its_own_tracker():
    assert _names(title="Goose went on", source="github_issue:block/goose") == ["goose"]
    assert _names(title="Local llama 3.1 in Continue", source="github_issue:continuedev/continue") == [
        "llama 3.1",
        "continue",
    ]


def test_other_products_on_a_tracker_are_bystanders():
    assert _names("Codex told me Claude was doing it", source="github_issue:openai/codex") == ["codex"]


def test_vendor_and_product_are_told_apart():
    assert find_agents(Post(id="1", text="Claude Code pushed")) == [
        Agent(name="claude code", family="claude code", vendor="anthropic")
    ]
    assert find_agents(Post(id="1", text="An OpenAI model escaped"))[0].vendor == "openai"
    assert _names("OpenAI raises its prices") == []


def test_release_dates_are_given_where_known():
    assert released(find_agents(Post(id="1", text="GPT-5.2 did it"))[0]) == date(2025, 12, 11)
    assert released(find_agents(Post(id="1", text="Claude Opus 4.5 did it"))[0]) == date(2025, 11, 24)
    assert released(Agent(name="cline", family="cline", vendor="cline")) is None


def test_sources_about_one_product_are_known():
    assert is_about_agent("github_issue:google-gemini/gemini-cli")
    assert not is_about_agent("hackernews")
    assert not is_about_agent("")


def test_every_entry_of_the_file_can_be_used():
    data = tomllib.loads(AGENTS_FILE.read_text(encoding="utf-8"))
    families = [entry["family"] for entry in data["product"]]
    assert len(families) == len(set(families))
    trackers = [place for entry in data["product"] for place in entry.get("tracker", [])]
    assert len(trackers) == len(set(trackers))
    assert all(place == place.lower() for place in trackers)
    for entry in data["model"]:
        assert "version" in re.compile(entry["pattern"]).groupindex


@pytest.mark.parametrize("unit", ["claude ", "gpt-5.2.", "opus-4-", "o1 ", "a\u0301", "("])
def test_a_megabyte_gives_few_agents_and_the_same_each_time(unit):
    post = Post(id="1", text=unit * (1_000_000 // len(unit)))
    assert len(find_agents(post)) <= 6
    assert find_agents(post) == find_agents(post)


def test_named_actors_agree_with_the_labelled_texts(shared):
    right = named = wanted = 0
    for name in ("real.jsonl", "own_words.jsonl"):
        for line in (shared / "gold" / name).read_text(encoding="utf-8").splitlines():
            item = json.loads(line)
            if not item["incident"] or not item["agent"]:
                continue
            title, text = item["title"] or "", item["text"] or ""
            text = text.removeprefix(title)
            found = set(_names(text, title, item["source"]))
            right += len(found & set(item["agent"]))
            named += len(found)
            wanted += len(set(item["agent"]))
    assert 2 * right / (named + wanted) > 0.93
