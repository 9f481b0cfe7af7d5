"""A draw goes down the cascade with every step counted; names are swapped and the movement of p is told."""

import json
from pathlib import Path

from classifiers.fairness import name_swap, swapped
from classifiers.items import GoldItem
from classifiers.label import load_labeller
from classifiers.stream import draw, read_pools, stream
from tests.classifiers.fakes import WordEncoder
from warehouse.schema.models import LabelLine, Post

EVENT = "Agent deleted the production database although I had told it not to touch it, then lied about it"


def test_a_draw_is_seeded_and_a_post_in_two_pools_is_read_once(tmp_path: Path) -> None:
    for name in ("one", "two"):
        rows = [{"id": f"p:{number}", "title": f"post {number}", "text": f"post {number}. more"} for number in range(9)]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    posts = read_pools([tmp_path / "one.jsonl", tmp_path / "two.jsonl"])
    assert len(posts) == 9
    assert posts["p:3"].text == "more"
    assert draw(posts, 0) == draw(posts, 0) != draw(posts, 1)
    assert sorted(draw(posts, 0)) == sorted(posts)
    assert draw({}, 0) == []


def test_every_step_of_the_funnel_is_counted_and_labelled_posts_answer_out_of_fold() -> None:
    labeller = load_labeller(encoder=WordEncoder())
    drawn = [
        Post(id="known", title=EVENT),
        Post(id="french", title=EVENT, lang="fr"),
        Post(id="talk", title="pasta recipe"),
    ]
    lines = [LabelLine(id="known", status="judged", p_strict=0.9, is_strict=True, instrument="x")]
    items = [GoldItem(id="known", kind="first_hand", score=6, gold="positive")]
    found = stream(drawn, labeller, items, lines, recall=0.8, seed=0)
    assert found["funnel"] == {
        "drawn": 3,
        "in_a_language_that_is_read": 2,
        "kept_by_the_screen": 1,
        "passed_by_the_sieve_and_judged": 1,
        "flagged": 1,
    }
    assert found["flagged_ids"] == ["known"]
    assert found["flagged_by_label"] == {"positive": 1, "grey": 0, "negative": 0, "unread": 0}
    assert found["false_alarms_per_10000"] == 0
    assert found["a_true_4.9_would_show_as"] == 4.9
    unread = stream(drawn, labeller, [], lines, recall=0.8, seed=0)
    assert unread["flagged_by_label"]["unread"] == 1
    assert unread["a_true_4.9_would_show_as"] < 1.01


def test_swapped_names_do_not_move_a_judgement() -> None:
    post = Post(id="a", title=EVENT.replace("Agent", "Claude Code"), text="Anthropic's Opus 4.5 ignored CLAUDE.md.")
    assert swapped(post).title.startswith("Gemini CLI deleted")
    assert swapped(post).text == "Google's Gemini 3 Pro ignored GEMINI.md."
    found = name_swap([post, Post(id="b", title="no name at all")], load_labeller(encoder=WordEncoder()))
    assert found["n"] == 1
    assert found["median"] <= 0.02
