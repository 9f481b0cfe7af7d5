import json
import re
import tomllib
from datetime import date

import pytest

from classifiers.agents import AGENTS_FILE, AGENTS_VERSION, find_agents, is_about_agent, released, tracked
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


@pytest.mark.parametrize(
    ("source", "title", "names"),
    [
        ("github_issue:anthropics/claude-code", "[Opus] Skips every check it is given", ["opus"]),
        ("reddit:r/ClaudeCode", "Fable rewrote my notes", ["fable"]),
        ("reddit:r/ClaudeAI", "Sonnet, please stop", ["sonnet"]),
        ("reddit:r/ChatGPT", "GPT invented an aunt for me", ["gpt"]),
        ("reddit:r/singularity", "The bank says Mythos walked through every door", ["mythos"]),
        ("github_issue:anthropics/claude-code", "Cowork emptied the folder", ["cowork"]),
        ("hackernews", "Sonnet for a summer evening", []),
        ("hackernews", "The GPT partition table is gone", []),
        ("reddit:r/poetry", "An opus about the sea", []),
    ],
)
def test_an_everyday_word_is_a_model_where_its_maker_is_the_topic(source, title, names):
    assert _names(title=title, source=source) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("opus5 and opus4.6 went on", ["opus5", "opus4.6"]),
        ("qwen2.5-coder-32b-instruct wrote it", ["qwen2.5-coder-32b-instruct"]),
        ("qwen3.6 wrote it", ["qwen3.6"]),
        ("DeepSeek-R1-0528 made it up", ["deepseek-r1-0528"]),
        ("CodeLlama-7B made it up", ["codellama-7b"]),
        ("gpt-5.6sol made it up", ["gpt-5.6sol"]),
        ("Fable 5 Max made it up", ["fable 5 max"]),
        ("Opus 4.6 max effort is slow", ["opus 4.6"]),
        ("a GPT-5-based helper sent it", ["gpt-5"]),
        ("opus-4.6-generated prose", []),
    ],
)
def test_a_version_is_read_to_its_end(text, names):
    assert _names(text) == names


@pytest.mark.parametrize(
    ("title", "names"),
    [
        ("OpenAI frontier model leaves its box", ["openai frontier model"]),
        ("OpenAI own models ran off", ["openai models"]),
        ("Meta AI model entered a shop's server", ["meta ai model"]),
        ("Anthropic says its models wandered off", ["anthropic models"]),
        ("Google rewrites its rules after its AI agents ran wild", ["google ai agents"]),
        ("OpenAI admits AI models entered a shop's server", ["openai ai models"]),
        ("xAI says its AI deleted a shop's records", ["xai ai"]),
        ("Google says its AI policy is new", []),
        ("Anthropic publishes a model card", []),
        ("Air Canada chatbot promises a refund", ["air canada chatbot"]),
        ("A dealer bot and the chatbot of a friend", []),
    ],
)
def test_a_makers_unnamed_model_is_found_in_headlines(title, names):
    assert _names(title=title) == names


def test_a_title_with_only_a_makers_unnamed_model_names_it_before_the_text():
    assert _names("GPT-5.2 was one of them", title="OpenAI models ran off") == ["openai models", "gpt-5.2"]


def test_tool_and_model_are_both_named():
    assert _names(title="Antigravity Gemini wiped a folder") == ["antigravity", "gemini"]
    assert _names(title="Claude Sonnet (via Antigravity) wiped a folder") == ["claude sonnet", "antigravity"]
    assert _names(title="Claude wiped a folder in Claude Code") == ["claude code"]


def test_several_models_of_a_title_are_named():
    assert _names(title="Gemini and Grok told my child lies") == ["gemini", "grok"]
    assert _names("Gemini is slow, Grok too") == ["gemini"]


def test_of_a_tag_and_a_name_in_a_title_the_name_is_reported():
    assert _names(title="[Opus 4.6] Claude Opus 4.6 skips steps") == ["claude opus 4.6"]


def test_bystanders_and_subscriptions_are_no_actors():
    assert _names("Codex wrote it instead of Claude Code") == ["codex"]
    assert _names(title="Opus 4.6 closed another Claude Code session") == ["opus 4.6"]
    assert _names("my Claude Max bill is wrong") == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Google Gemini CLI removed it", ["gemini cli"]),
        ("Google Gemini removed it", ["google gemini"]),
        ("Snapchat's My AI said so", ["my ai"]),
        ("this is my AI and I like it", []),
        ("A comet passed the sun", []),
        ("Comet bought it, says Perplexity", ["comet"]),
        ("Waymo car blocks a street", ["waymo"]),
        ("a bard sang about tay and sora", []),
    ],
)
def test_products_with_everyday_names_need_their_maker(text, names):
    assert _names(text) == names


def test_the_version_names_list_and_rules():
    assert re.fullmatch(r"agents-[0-9a-f]{12}", AGENTS_VERSION)


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
    assert released(Agent(name="opus4.5", family="claude", vendor="anthropic")) == date(2025, 11, 24)
    assert released(Agent(name="claude-opus-4-5-20251101", family="claude", vendor="anthropic")) == date(2025, 11, 24)
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


@pytest.mark.parametrize(
    "unit", ["claude ", "gpt-5.2.", "opus-4-", "qwen2.5-a-", "openai says its ", "o1 ", "a\u0301", "("]
)
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


def test_an_abbreviation_yields_to_the_name_it_stands_for():
    tracker = "github_issue:anthropics/claude-code"
    assert _names("Claude Code did.", title="CC wiped my notes", source=tracker) == ["claude code"]


def test_a_bare_name_yields_to_the_version_that_holds_it():
    forum = "reddit:r/ClaudeCode"
    assert _names("It ran claude-haiku-4-5 instead.", title="It picked Haiku", source=forum) == ["claude-haiku-4-5"]
