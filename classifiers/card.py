"""The card of a trained artefact: data, date, versions, every measured figure with n and interval, known failures."""

import json
import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Final, TypedDict

import numpy as np

from classifiers.agents import AGENTS_VERSION
from classifiers.encoder import QUANTIZED_SHA256
from classifiers.evaluate import ANNOTATORS_NOTE, Evaluation, compare, evaluate
from classifiers.fairness import name_swap
from classifiers.features import FEATURES_VERSION
from classifiers.items import GoldItem, read_lines
from classifiers.label import Labeller
from classifiers.metrics import measured, recall
from classifiers.rules import RULES_VERSION
from classifiers.screen import SCREEN_VERSION
from classifiers.stream import stream
from classifiers.text import TEXT_VERSION
from warehouse.schema.models import LabelLine, Post

CARD: Final = "card.json"
READING: Final = Path(__file__).with_name("gold") / "fresh_reading.jsonl"
READING_NOTE: Final = (
    "Label lines of a language model that read the labelled items afresh by the codebook, without seeing their labels; "
    "it had seen 40 labelled posts, which are left out. It comes from the annotators' school: what it agrees with the "
    "labels is how far they are facts at all, and more than people would agree. `offscript evaluate --lines` prints it."
)
PRIOR_SHIFT: Final = (
    "p_strict is calibrated on the gold set, where strict positives were enriched to about one in twelve. In an "
    "unfiltered stream they are rarer by a factor of about 20 or more: the odds that p_strict states are overstated "
    "there by that factor. Read p_strict as a rank, and trust the flagged share of the seeded draw instead."
)
LIBRARIES: Final = ("offscript", "numpy", "scipy", "onnxruntime", "tokenizers")
KEPT_LABELS: Final = (
    "id", "source", "url", "stratum", "kind", "behaviours", "behaviours_unsure", "actions", "actions_unsure",
    "evidence", "gravity", "score", "agent", "gold", "annotators",
)  # fmt: skip


class Card(TypedDict):
    """What is known of one artefact; see the keys' values in `card.json`."""

    instrument: str
    trained_on: str
    seed: int
    artefact_sha256: str
    encoder_sha256: str
    versions: dict[str, str]
    data: dict[str, Any]
    annotators: str
    method: str
    prior_shift: str
    strict_threshold: dict[str, Any]
    quality: dict[str, Any]
    quality_of_the_field: dict[str, Any]
    fresh_reading: dict[str, Any]
    refolded: list[dict[str, Any]]
    quality_without_screen: dict[str, Any]
    quality_open_texts_only: dict[str, Any] | None
    name_swap: dict[str, Any]
    sieve: dict[str, Any]
    stream: dict[str, Any] | None
    known_failures: dict[str, str]
    record_seen: list[str]


METHOD: Final = (
    "Nested cross-validation, 10 outer folds: items with one address or nearly one text stay together; heads, "
    "calibration and thresholds are fitted on the other folds alone, the sieve too, whose score is the mean of four "
    "draws of the folds and whose cut is chosen on the other folds' items; a text written for training that resembles "
    "a measured one (cosine above 0.6) is left out where that one is judged. Labelled posts of the pools "
    "(pool_labels.jsonl: chosen by earlier instruments' rank, labelled by a language model working from the codebook, "
    "about half of them, and nearly all told as events, by a second one that did not see the first labels but had "
    "been shown 40 labelled posts as examples: where the two differ the post is grey, a mark is unsure) are learnt "
    "from and not measured on, for they were not drawn by chance; where the stream is counted, they answer by heads "
    "that have not seen them. The sieve also learns, as negatives, from the pools' posts without a label that pass "
    "the screen and were not drawn for counting; the few strict ones among these are mistaken for negatives. The "
    "strict head is calibrated on the field's items, those in our own words counting a quarter, apart for bare titles "
    "and for texts; each of the two has the threshold with the highest F1 to be expected from its calibrated "
    "probabilities. Document frequencies of the n-grams and principal components of the encoder's states are taken "
    "over all items, without their labels. Which items share a fold is drawn by lot: `refolded` gives the field's "
    "figures for other draws. Rules, screen and training texts were written by hand with the labelled texts in view, "
    "and the scales of the feature blocks were chosen on this same cross-validation, so these figures are somewhat "
    "better than unseen texts will give. Intervals: 1,000 seeded bootstrap resamples of items."
)


def build_card(
    *,
    files: Mapping[str, Sequence[GoldItem]],
    extra: Mapping[str, Sequence[GoldItem]],
    noted: Sequence[GoldItem],
    lines: Sequence[LabelLine],
    refolded: Mapping[int, Sequence[LabelLine]],
    unscreened: Sequence[LabelLine],
    open_lines: Sequence[LabelLine] | None,
    labeller: Labeller,
    artefact: str,
    thresholds: Sequence[Mapping[str, float]],
    seed: int,
    pools: Sequence[str],
    drawn: Sequence[Post],
    record: Path | None,
) -> Card:
    """Measure everything and put it together."""
    items = _flat(files)
    field = [item for item in items if not item.shippable]
    whole = evaluate(items, lines, seed=seed)
    quality = evaluate(field, lines, seed=seed) if field else whole
    return Card(
        instrument=labeller.instrument,
        trained_on=datetime.now(UTC).date().isoformat(),
        seed=seed,
        artefact_sha256=artefact,
        encoder_sha256=QUANTIZED_SHA256,
        versions={
            "python": platform.python_version(),
            "text": TEXT_VERSION,
            "screen": SCREEN_VERSION,
            "rules": RULES_VERSION,
            "agents": AGENTS_VERSION,
            "features": FEATURES_VERSION,
            **{name: metadata.version(name) for name in LIBRARIES},
        },
        data={
            name: {
                "items": len(found),
                "used_for": "training and measuring" if name in files else "training only",
                "gold": dict(Counter(item.gold or "none" for item in found).most_common()),
                "kind": dict(Counter(item.kind or "none" for item in found).most_common()),
                "sources": dict(Counter(item.source.split(":")[0] for item in found).most_common()),
            }
            for name, found in {**files, **extra, **({"pool_labels.jsonl": noted} if noted else {})}.items()
        },
        annotators=ANNOTATORS_NOTE,
        method=METHOD,
        prior_shift=PRIOR_SHIFT,
        strict_threshold={
            "of_a_bare_title": labeller.heads.decision.strict_threshold(bare=True),
            "of_a_text": labeller.heads.decision.strict_threshold(bare=False),
            "outer_folds": [{name: round(value, 4) for name, value in fold.items()} for fold in thresholds],
        },
        quality=whole.to_json(),
        quality_of_the_field=quality.to_json(),
        fresh_reading=_fresh_reading(items, field, seed),
        refolded=[
            _refolded(fold_seed, evaluate(field or items, told, seed=seed)) for fold_seed, told in refolded.items()
        ],
        quality_without_screen=_strict_only(evaluate(field or items, unscreened, seed=seed)),
        quality_open_texts_only=open_quality(items, open_lines, seed) if open_lines else None,
        name_swap=name_swap([item.post for item in field or items], labeller),
        sieve=_sieve(noted, lines),
        stream=_stream(pools, drawn, labeller, [*items, *noted], lines, quality, seed) if drawn else None,
        known_failures=_failures(quality),
        record_seen=record_seen(record, [*items, *noted]) if record else [],
    )


def _fresh_reading(items: Sequence[GoldItem], field: Sequence[GoldItem], seed: int) -> dict[str, Any]:
    """Measure, as if it were the instrument, what a language model said that read the items anew by the codebook."""
    lines = read_lines(READING)
    told = {line.id for line in lines}
    found = {name: some for name, some in (("all", items), ("field", field)) if told & {item.id for item in some}}
    return {"note": READING_NOTE} | {name: compare(some, lines, seed=seed).to_json() for name, some in found.items()}


def _refolded(seed: int, found: Evaluation) -> dict[str, Any]:
    """How far the headline figures hang on which items happen to share a fold."""
    strict = found.sections["strict_grey_apart"]
    return {"seed": seed} | {name: strict[name].value for name in ("f1", "precision", "recall", "average_precision")}


def _flat(files: Mapping[str, Sequence[GoldItem]]) -> list[GoldItem]:
    return [item for found in files.values() for item in found]


def _stream(
    pools: Sequence[str],
    drawn: Sequence[Post],
    labeller: Labeller,
    items: Sequence[GoldItem],
    lines: Sequence[LabelLine],
    quality: Evaluation,
    seed: int,
) -> dict[str, Any]:
    share = quality.sections["strict_grey_apart"]["recall"].value or 0.0
    return {"pools": list(pools)} | stream(drawn, labeller, items, lines, share, seed)


def _sieve(noted: Sequence[GoldItem], lines: Sequence[LabelLine]) -> dict[str, Any]:
    """Say how many of the pools' labelled posts pass a sieve that has not learnt from them, by label."""
    passed = {line.id: line.status == "judged" for line in lines}
    shares = {}
    for gold in ("positive", "grey", "negative"):
        through = np.array([passed[item.id] for item in noted if item.gold == gold], dtype=bool)
        everyone = np.ones(len(through), dtype=bool)
        shares[gold] = measured(recall, everyone, through, everyone.astype(float)).to_json()
    return {
        "labelled_posts_of_the_pools_passed": shares,
        "note": "These posts were chosen by an earlier instrument's rank, so they are easier to keep than others; the "
        "share kept of the measured items stands under strict_other and judged_by_source.",
    }


def _strict_only(evaluation: Evaluation) -> dict[str, Any]:
    sections = evaluation.to_json()["sections"]
    return {name: figures for name, figures in sections.items() if name.startswith("strict_")}


def open_quality(items: Sequence[GoldItem], lines: Sequence[LabelLine], seed: int) -> dict[str, Any]:
    """Figures of heads trained on shippable texts alone: on those, and on texts from the field that they never saw."""
    return {
        "own_words": _strict_only(evaluate([item for item in items if item.shippable], lines, seed=seed)),
        "field": _strict_only(evaluate([item for item in items if not item.shippable], lines, seed=seed)),
    }


def _failures(evaluation: Evaluation) -> dict[str, str]:
    return {name: str(figure) for name, figure in evaluation.sections.get("strict_by_source", {}).items()}


def record_seen(record: Path, items: Sequence[GoldItem]) -> list[str]:
    """Ids of the demonstration record whose address also occurs in the training data."""
    seen = {item.url for item in items if item.url}
    rows = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [row["id"] for row in rows if row.get("url") in seen]


def write_labels(items: Sequence[GoldItem], lines: Sequence[LabelLine], path: Path) -> None:
    """Write labels and out-of-fold predictions, one item a line, without any title or text."""
    by_id = {line.id: line for line in lines}
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        for item in items:
            row = {
                name: value for name, value in item.model_dump(include=set(KEPT_LABELS)).items() if value is not None
            }
            row = {name: row[name] for name in KEPT_LABELS if name in row} | {"shippable": item.shippable}
            row["prediction"] = by_id[item.id].model_dump(exclude={"spans", "id"}) | {"id": item.id}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
