import json
from pathlib import Path

import numpy as np
import pytest

from classifiers import metrics
from classifiers.evaluate import evaluate
from classifiers.items import GoldError, GoldItem, gold_of, read_gold
from warehouse.schema.models import Agent, LabelLine


def item(number: int, kind: str = "first_hand", score: int = 6, **more: object) -> GoldItem:
    values = {"id": f"i{number}", "title": "t", "kind": kind, "score": score, "gold": gold_of(kind, score), **more}
    return GoldItem.model_validate(values)


def line(number: int, strict: bool, p: float | None = None, **more: object) -> LabelLine:
    values = {
        "id": f"i{number}",
        "status": "judged",
        "kind": "first_hand" if strict else "discussion",
        "p_strict": p if p is not None else 0.9 * strict,
        "is_strict": strict,
        "instrument": "test",
        **more,
    }
    return LabelLine.model_validate(values)


def mixed() -> tuple[list[GoldItem], list[LabelLine]]:
    """40 positives of which 30 flagged, 100 negatives of which 10 flagged, 10 greys of which 4 flagged."""
    items = [item(n) for n in range(40)]
    items += [item(n, "discussion", 0) for n in range(40, 140)]
    items += [item(n, "first_hand", 3) for n in range(140, 150)]
    flagged = {*range(30), *range(40, 50), *range(140, 144)}
    return items, [line(n, n in flagged) for n in range(150)]


def test_strict_figures_are_right_with_greys_apart_and_counted() -> None:
    found = evaluate(*mixed())
    apart, counted = found.sections["strict_grey_apart"], found.sections["strict_grey_negative"]
    assert apart["precision"].value == pytest.approx(30 / 40)
    assert apart["recall"].value == pytest.approx(30 / 40)
    assert apart["f1"].n == 140
    assert counted["precision"].value == pytest.approx(30 / 44)
    assert counted["f1"].n == 150
    assert found.sections["strict_other"]["greys_flagged"].value == pytest.approx(0.4)
    low, high = apart["f1"].low, apart["f1"].high
    assert low is not None
    assert high is not None
    assert 0.6 < low < 0.75 < high < 0.9


def test_the_same_input_gives_the_same_intervals() -> None:
    assert evaluate(*mixed()).to_json() == evaluate(*mixed()).to_json()


def test_order_of_lines_does_not_matter() -> None:
    items, lines = mixed()
    assert evaluate(items, lines[::-1]).to_json() == evaluate(items, lines).to_json()


def test_weights_undo_an_uneven_draw() -> None:
    items, lines = mixed()
    weighted = [one.model_copy(update={"inclusion_p": 0.1 if one.gold == "negative" else 1.0}) for one in items]
    found = evaluate(weighted, lines)
    assert found.sections["strict_grey_apart"]["precision"].value == pytest.approx(30 / (30 + 100))
    assert any("inclusion_p" in note for note in found.notes)


def test_few_positives_are_insufficient_and_disputed_marks_are_left_out() -> None:
    items = [item(n, behaviours=["shutdown_tampering"]) for n in range(25)]
    items += [item(25, behaviours=[], behaviours_unsure=["shutdown_tampering"])]
    items += [item(n, "discussion", 0, behaviours=[]) for n in range(26, 40)]
    present = ["shutdown_tampering"]
    lines = [line(n, True, behaviours_present=present) for n in range(26)] + [line(n, False) for n in range(26, 40)]
    found = evaluate(items, lines).sections["behaviours"]
    assert found["shutdown_tampering"].value == 1.0
    assert found["shutdown_tampering"].n == 39
    assert found["alignment_faking"].value is None
    assert found["alignment_faking"].note == "insufficient"
    assert found["macro_f1"].note == "mean of 1"


def test_agents_are_counted_by_name() -> None:
    items = [item(0, agent=["claude code", "codex"]), item(1, agent=[])]
    claude = Agent(name="claude code", family="claude code", vendor="Anthropic")
    found = evaluate(items, [line(0, True, agents=[claude]), line(1, True, agents=[claude])])
    assert found.sections["agents_named"]["micro_f1"].value == pytest.approx(2 / 4)


def test_only_what_was_annotated_is_measured() -> None:
    found = evaluate([GoldItem(id="i0", title="t", kind="discussion")], [line(0, False)])
    assert set(found.sections) == {"kind"}
    with pytest.raises(GoldError, match="nothing to compare"):
        evaluate([GoldItem(id="i0", title="t")], [line(0, False)])


def test_a_missing_line_is_named() -> None:
    with pytest.raises(GoldError, match="i1"):
        evaluate([item(0), item(1)], [line(0, True)])


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ("{", "line 2: not JSON"),
        ("[]", "line 2: expected an object"),
        ('{"title": "no id"}', "line 2: id"),
        ('{"id": "b", "kind": "nonsense"}', "line 2: kind"),
        ('{"id": "b", "score": 12}', "line 2: score"),
        ('{"id": "a"}', "already given"),
    ],
)
def test_a_bad_gold_line_is_named(tmp_path: Path, second: str, message: str) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text(json.dumps({"id": "a", "kind": "other"}) + "\n" + second + "\n")
    with pytest.raises(GoldError, match=message):
        read_gold(path)


def test_tables_name_the_annotators() -> None:
    assert "language models" in evaluate(*mixed()).to_table()


def test_measures_agree_with_textbook_values() -> None:
    truth = np.array([True, False, True, False])
    p, weight = np.array([0.9, 0.8, 0.7, 0.1]), np.ones(4)
    assert metrics.average_precision(truth, p, weight) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert metrics.precision_at_recall(truth, p, weight, 0.8) == pytest.approx(2 / 3)
    assert metrics.precision_at_recall(truth, p, weight, 0.5) == 1.0
    assert metrics.calibration_error(truth, p, weight) == pytest.approx((0.1 + 0.8 + 0.3 + 0.1) / 4)
    # Cohen (1960), worked by hand: agreement 0.7 against 0.5 by chance.
    rated, said = np.repeat([0, 0, 1, 1], [20, 5, 10, 15]), np.repeat([0, 1, 0, 1], [20, 5, 10, 15])
    assert metrics.cohen_kappa(rated, said) == pytest.approx(0.4)
    assert metrics.quadratic_kappa(np.array([0, 1, 2]), np.array([0, 1, 2])) == 1.0
    assert metrics.quadratic_kappa(np.array([0, 1, 2]), np.array([2, 1, 0])) == pytest.approx(-1.0)
