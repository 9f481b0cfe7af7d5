"""Training is repeatable, and what is shipped is what the card says."""

import json
from pathlib import Path

import numpy as np
import pytest

from classifiers import heads, train
from classifiers.card import CARD, READING, record_seen
from classifiers.evaluate import evaluate
from classifiers.fit import best_cuts, best_threshold, expected_threshold, grouped_folds, platt
from classifiers.items import GoldError, GoldItem, predictions, read_gold
from classifiers.label import load_labeller
from classifiers.material import event_groups
from classifiers.metrics import quadratic_kappa
from classifiers.stream import ratio_shown
from classifiers.version import artefact_sha256, instrument
from tests.classifiers.fakes import WordEncoder
from warehouse.schema.models import Post

GOLD = Path(train.__file__).with_name("gold")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("gold") / "small.jsonl"
    lines = (GOLD / "own_words.jsonl").read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(lines[:90]) + "\n", encoding="utf-8")
    return path


def test_the_same_seed_gives_the_same_artefact_and_figures(small: Path, tmp_path: Path) -> None:
    one = train.train([small], tmp_path / "one", extra=(), open_only=True, encoder=WordEncoder())
    two = train.train([small], tmp_path / "two", extra=(), open_only=True, encoder=WordEncoder())
    assert one["artefact_sha256"] == two["artefact_sha256"] == artefact_sha256(tmp_path / "two" / heads.ARTEFACT)
    assert one["quality"] == two["quality"]
    assert [draw["seed"] for draw in one["refolded"]] == [1, 2, 3]
    assert one["refolded"] == two["refolded"]
    labels = (tmp_path / "one" / "small_labels.jsonl").read_text(encoding="utf-8")
    assert labels == (tmp_path / "two" / "small_labels.jsonl").read_text(encoding="utf-8")
    labeller = load_labeller(tmp_path / "one", WordEncoder())
    assert labeller.instrument == one["instrument"]
    assert labeller.label([read_gold(small)[0].post], screened=False)[0].status == "judged"


def test_training_needs_texts_and_labels(tmp_path: Path) -> None:
    path = tmp_path / "gold.jsonl"
    row = {"id": "a", "kind": "other", "score": 0, "shippable": True}
    path.write_text(json.dumps(row) + "\n")
    with pytest.raises(GoldError, match="neither title nor text"):
        train.train([path], tmp_path, extra=(), encoder=WordEncoder())
    path.write_text(json.dumps({**row, "title": "x", "shippable": False}) + "\n")
    with pytest.raises(GoldError, match="shippable"):
        train.train([path], tmp_path, extra=(), open_only=True, encoder=WordEncoder())


def test_a_label_of_a_pool_is_learnt_from_only_with_its_text_and_never_where_it_is_measured() -> None:
    items = [GoldItem(id=name, kind="other", score=0, gold="negative") for name in ("at_hand", "gone", "same", "twin")]
    posts = {name: Post(id=name, title=name, text="x") for name in ("at_hand", "same")}
    posts["twin"] = Post(id="twin", title="A Title")
    known = [GoldItem(id="same", title="other"), GoldItem(id="z", title="a title")]
    found = train.with_texts(items, posts, known)
    assert [(item.id, item.title, item.text) for item in found] == [("at_hand", "at_hand", "x")]


def test_what_the_sieve_takes_for_talk_is_neither_drawn_nor_known_nor_screened_out() -> None:
    told = "Claude deleted my files without permission although I had told it not to"
    posts = {name: Post(id=name, title=f"{told} {name}") for name in ("a", "drawn", "known", "twin")}
    posts["talk"] = Post(id="talk", title="pasta recipe")
    known = [GoldItem(id="known", title="k"), GoldItem(id="z", title=f"{told} TWIN")]
    assert [post.id for post in train.unlabelled(posts, known, [posts["drawn"]])] == ["a"]


def test_one_event_stays_in_one_fold() -> None:
    items = [GoldItem(id=str(n), title="t", url=f"https://example.org/{n % 4}") for n in range(12)]
    groups = event_groups(items, np.eye(12))
    assert len(set(groups.tolist())) == 4
    alike = np.eye(12)
    alike[0, 1] = alike[1, 0] = 0.9
    assert len(set(event_groups(items, alike).tolist())) == 3
    for fold in grouped_folds(groups.tolist(), ["x"] * 12, 3, seed=0):
        rest = [row for row in range(12) if row not in fold]
        assert not {int(groups[row]) for row in fold} & {int(groups[row]) for row in rest}


def test_folds_hold_every_item_once_and_spread_the_strata() -> None:
    strata = ["rare"] * 10 + ["common"] * 90
    folds = grouped_folds(list(range(100)), strata, 5, seed=0)
    assert sorted(row for fold in folds for row in fold.tolist()) == list(range(100))
    assert all(sum(row < 10 for row in fold) == 2 for fold in folds)


def test_calibration_recovers_a_known_curve() -> None:
    generator = np.random.default_rng(0)
    values = generator.normal(size=20_000)
    slope, offset = platt(values, generator.random(20_000) < 1 / (1 + np.exp(-(2 * values - 1))))
    assert slope == pytest.approx(2, abs=0.1)
    assert offset == pytest.approx(-1, abs=0.1)


def test_the_threshold_is_the_best_one() -> None:
    p, positive = np.array([0.9, 0.8, 0.7, 0.4, 0.1]), np.array([True, True, False, False, False])
    assert 0.7 < best_threshold(p, positive) < 0.8
    assert best_threshold(p, np.zeros(5, dtype=bool)) == 1.0


def test_the_expected_threshold_needs_no_truth() -> None:
    generator = np.random.default_rng(1)
    p = generator.beta(0.3, 1.5, 4_000)
    positive = generator.random(4_000) < p
    expected = expected_threshold(p, np.ones(4_000))
    assert expected == pytest.approx(best_threshold(p, positive), abs=0.05)
    assert expected_threshold(np.zeros(5), np.ones(5)) == 1.0


def test_a_text_counts_by_its_weight_in_calibration() -> None:
    raw, positive = np.array([-2.0, -1.0, 0.0, 1.0, 2.0, 1.0]), np.array([0, 0, 1, 0, 1, 1], dtype=bool)
    doubled = platt(np.append(raw, raw[-1]), np.append(positive, positive[-1]))
    assert platt(raw, positive, np.array([1.0, 1, 1, 1, 1, 2])) == pytest.approx(doubled)


def test_cuts_recover_an_ordered_scale() -> None:
    truth = np.repeat(np.arange(5), 30)
    raw = truth + np.random.default_rng(0).normal(0, 0.1, 150)
    cuts = best_cuts(raw, truth, 4, quadratic_kappa)
    assert list(cuts) == sorted(cuts)
    assert (np.searchsorted(cuts, raw, side="right") == truth).mean() > 0.98


def test_a_seen_address_is_named(tmp_path: Path) -> None:
    record = tmp_path / "record.jsonl"
    record.write_text('{"id": "r1", "url": "https://e.org/1"}\n{"id": "r2", "url": "https://e.org/2"}\n')
    assert record_seen(record, [GoldItem(id="a", url="https://e.org/2")]) == ["r2"]


def test_false_alarms_hide_a_rise_as_published() -> None:
    assert ratio_shown(1.0, 0.0) == pytest.approx(4.9)
    assert ratio_shown(0.7, 5.0) == pytest.approx(2.04, abs=0.01)


def card() -> dict[str, object]:
    return json.loads((heads.MODEL / CARD).read_text(encoding="utf-8"))


def test_the_shipped_artefact_is_the_one_on_the_card() -> None:
    assert card()["artefact_sha256"] == artefact_sha256()
    assert card()["instrument"] == instrument()


def test_an_action_too_rare_to_choose_a_threshold_for_must_be_likelier_than_not() -> None:
    labelled = [item for name in ("real", "own_words") for item in read_gold(GOLD / f"{name}_labels.jsonl")]
    told = {name: sum(name in (item.actions or []) for item in labelled) for name in heads.ACTIONS}
    assert min(told.values()) < 10
    thresholds = heads.load_heads().decision.thresholds
    assert all(thresholds[name] == 0.5 for name, count in told.items() if count < 10)


def test_shipped_figures_recompute_from_shipped_predictions() -> None:
    items = read_gold(GOLD / "real_labels.jsonl")
    found = evaluate(items, predictions(items)).to_json()
    assert found["sections"] == card()["quality_of_the_field"]["sections"]  # type: ignore[index]


def test_no_text_of_others_is_shipped() -> None:
    for line in (GOLD / "real_labels.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        assert not {"title", "text"} & set(row)
        assert "spans" not in row["prediction"]
    for line in READING.read_text(encoding="utf-8").splitlines():
        assert not {"title", "text", "spans"} & set(json.loads(line))
    for line in train.NOTED.read_text(encoding="utf-8").splitlines():
        assert not {"title", "text"} & set(json.loads(line))
    for name in ("own_words.jsonl", "contrast.jsonl"):
        assert all(json.loads(line)["shippable"] for line in (GOLD / name).read_text(encoding="utf-8").splitlines())


def test_the_card_says_who_annotated_and_that_a_stream_differs() -> None:
    found = card()
    assert "language models" in str(found["annotators"])
    assert "20" in str(found["prior_shift"])
