import time

import pytest

from classifiers.rules import RULES_VERSION, RuleError, compile_pattern, find_hits, load_rules, rule_ids
from warehouse.schema import codes
from warehouse.schema.models import Post


def _fired(text, field="text"):
    post = Post(id="1", **{field: text})
    return {hit.rule for hit in find_hits(post)}


@pytest.mark.parametrize("rule", load_rules(), ids=lambda rule: rule.id)
def test_each_rule_fires_on_its_examples_and_not_on_its_counter_examples(rule):
    for sentence in rule.examples:
        assert rule.id in _fired(sentence), sentence
    for sentence in rule.counter_examples:
        assert rule.id not in _fired(sentence), sentence


def test_rule_ids_are_unique_and_in_a_stable_order():
    assert len(set(rule_ids())) == len(rule_ids()) > 60
    assert rule_ids() == tuple(rule.id for rule in load_rules())
    assert RULES_VERSION.startswith("rules-")


def test_rules_support_codes_of_the_codebook_only():
    known = {"behaviour": set(codes.BEHAVIOUR), "action": set(codes.ACTION), "subject": set(codes.SUBJECT)}
    for rule in load_rules():
        for support in rule.supports:
            group, _, name = support.partition(":")
            assert group in {*known, "evidence", "context"}
            assert name in known.get(group, {name})


def test_every_behaviour_and_action_has_a_rule():
    supported = {support for rule in load_rules() for support in rule.supports}
    assert {f"behaviour:{name}" for name in codes.BEHAVIOUR} <= supported
    assert {f"action:{name}" for name in codes.ACTION} <= supported


@pytest.mark.parametrize(
    ("text", "rule", "as_given"),
    [
        ("Somebody **force\u2011pushed** to main.", "does.publishes", "force\u2011pushed"),
        ("so it d\u200bid not stop. Claude lied\u200b, then", "misrepresents.lies", "lied"),
        ("<p>It pushed without <b>my permission</b></p>", "does.unasked", "without <b>my permission"),
        ("\U0001f600 The hooks don\u2019t fire", "context.harness", "hooks don\u2019t fire"),
    ],
)
def test_spans_are_in_characters_of_the_field_as_given(text, rule, as_given):
    hit = next(hit for hit in find_hits(Post(id="1", text=text)) if hit.rule == rule)
    assert text[hit.span.start : hit.span.end] == as_given
    assert (hit.span.field, hit.span.rule) == ("text", rule)


def test_the_model_is_told_from_its_harness():
    assert "context.harness" in _fired("PreToolUse hook does not fire")
    assert "tampers.bypasses_control" not in _fired("PreToolUse hook does not fire")
    assert "tampers.bypasses_control" in _fired("Claude bypasses the PreToolUse hook")


def test_a_general_prohibition_is_an_instruction_and_no_control():
    fired = _fired("I told it never to touch the tests and it ignored the rule")
    assert "does.breaks_instruction" in fired
    assert not any(rule.startswith("tampers.") for rule in fired)


def test_unless_words_bar_a_rule_in_their_sentence_only():
    assert "context.agent_did" not in _fired("If the agent deleted my files, what then")
    assert "context.agent_did" in _fired("If so, fine. The agent deleted my files")


def test_hits_come_in_order_title_first_few_of_each_rule():
    post = Post(id="1", title="Claude lied to me", text="It lied. " * 20)
    hits = find_hits(post)
    places = [(hit.span.field == "text", hit.span.start) for hit in hits]
    assert places == sorted(places)
    assert sum(hit.rule == "misrepresents.lies" for hit in hits) == 4
    assert hits == find_hits(post)


@pytest.mark.parametrize(
    "text", ["", "   ", "\n\n", "\u200b", "\U0001f600\U0001f525", "\ud800", "<b></b>", "\x01\x02\xff"]
)
def test_texts_without_words_give_no_hits(text):
    assert find_hits(Post(id="1", title=text, text=text)) == []


@pytest.mark.parametrize(
    "unit",
    [
        "a ",
        "(",
        "claude deleted ",
        "without the agent ",
        ". ",
        "not n't ",
        "https://",
        "a\u0301",
        "x-",
        "'",
        "\x01\xff",
        "<b>",
    ],
)
def test_a_megabyte_is_searched_in_bounded_time(unit):
    find_hits(Post(id="1", text="load the rules"))
    started = time.perf_counter()
    hits = find_hits(Post(id="1", text=unit * (1_000_000 // len(unit))))
    assert time.perf_counter() - started < 5
    assert len(hits) <= 3 * len(rule_ids())


@pytest.mark.parametrize("pattern", ["a ~40 b", "a ~0 b", "@nowhere", "isn't"])
def test_a_pattern_that_is_unbounded_or_can_never_match_is_refused(pattern):
    with pytest.raises(RuleError, match="rule x"):
        compile_pattern(pattern, {}, "x")
