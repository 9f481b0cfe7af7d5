"""Training: one seeded command rebuilds the artefact, its card and every figure on it.

Figures come from nested cross-validation: for each outer fold the heads, their calibration and their thresholds are
fitted on the rest alone, by the same code that fits the shipped artefact.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from classifiers.card import CARD, Card, build_card, write_labels
from classifiers.encoder import Encoder
from classifiers.features import Space, learn_space, prepare
from classifiers.fit import (
    FIELD,
    INNER_FOLDS,
    Floats,
    Targets,
    decide,
    dual,
    grouped_folds,
    outputs,
    targets,
)
from classifiers.heads import ARTEFACT, OUTPUTS, Decision, Heads, Judgement, save_heads
from classifiers.items import GoldError, GoldItem, read_gold
from classifiers.label import Labeller, encode_each, judged_line, route, unjudged_line
from classifiers.rules import find_hits, rule_ids
from classifiers.version import instrument_id
from warehouse.schema.models import LabelLine

OUTER_FOLDS: Final = 10
SAME_TEXT: Final = 0.85
"""Cosine of two readings above which they stay in one fold."""
WRITTEN: Final = Path(__file__).with_name("gold") / "contrast.jsonl"
"""Short texts of ours, written to set events apart from what only sounds like them; they tell of nothing real."""
LIKE_TEXT: Final = 0.6
"""Cosine above which a text written for training is kept away from a measured one: its writer knew the gold set."""


@dataclass(frozen=True)
class Material:
    """Everything about the training items that fitting needs; the first `target.measured` are measured on."""

    items: list[GoldItem]
    target: Targets
    space: Space
    waves: Floats
    sparse: Any
    """scipy.sparse.csr_array, shape (items, space.size)."""
    kernel: Floats
    groups: NDArray[np.int_]
    likeness: Floats
    """Cosine of readings, shape (items, items)."""

    @property
    def measured(self) -> NDArray[np.intp]:
        """Rows that figures rest on."""
        return np.arange(self.target.measured)

    def apart(self, rows: NDArray[np.intp], fold: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return those of `rows` from which `fold` may be judged: no shared event, no text written alike."""
        written = rows >= self.target.measured
        alike = self.likeness[np.ix_(rows, fold)].max(axis=1, initial=-1) > LIKE_TEXT
        return np.asarray(rows[~np.isin(self.groups[rows], self.groups[fold]) & ~(written & alike)])


def gather(items: Sequence[GoldItem], domains: Sequence[str], measured: int, encoder: Encoder, seed: int) -> Material:
    """Read, encode and place the items; group those that tell one event."""
    from scipy.sparse import csr_array

    parts = [prepare(item.post) for item in items]
    hits = [find_hits(item.post) for item in items]
    space = learn_space(parts, rule_ids(), seed)
    rows = [space.vector(one, found) for one, found in zip(parts, hits, strict=True)]
    vectors = encode_each(encoder, (one.reading for one in parts))
    waves = np.stack([space.waves(vector) for vector in vectors])
    bounds = np.cumsum([0, *(len(row.indices) for row in rows)])
    sparse = csr_array(
        (np.concatenate([row.values for row in rows]), np.concatenate([row.indices for row in rows]), bounds),
        shape=(len(rows), space.size),
    )
    kernel = waves @ waves.T + (sparse @ sparse.T).toarray()
    likeness = vectors.astype(float) @ vectors.astype(float).T
    return Material(
        items=list(items),
        target=targets(items, domains, measured),
        space=space,
        waves=waves,
        sparse=sparse,
        kernel=kernel,
        groups=event_groups(items, likeness),
        likeness=likeness,
    )


def event_groups(items: Sequence[GoldItem], likeness: Floats) -> NDArray[np.int_]:
    """Number items so that those with one address or nearly one text share a number."""
    parent = list(range(len(items)))

    def root(node: int) -> int:
        while parent[node] != node:
            node = parent[node]
        return node

    first: dict[str, int] = {}
    for row, item in enumerate(items):
        if item.url:
            parent[root(row)] = root(first.setdefault(item.url, row))
    for a, b in np.argwhere(np.triu(likeness, 1) > SAME_TEXT).tolist():
        parent[root(a)] = root(b)
    return np.array([root(row) for row in range(len(items))])


def _folds(material: Material, rows: NDArray[np.intp], count: int, seed: int) -> list[NDArray[np.intp]]:
    strata = [f"{material.target.gold[row]}/{material.target.domains[row]}" for row in rows]
    return [rows[fold] for fold in grouped_folds(material.groups[rows].tolist(), strata, count, seed)]


def fit_decision(material: Material, rows: NDArray[np.intp], seed: int) -> Decision:
    """Fit calibration and thresholds on inner out-of-fold outputs of the measured members of `rows`."""
    measured = np.intersect1d(rows, material.measured)
    raw = np.zeros((len(material.items), len(OUTPUTS)))
    for fold in _folds(material, measured, INNER_FOLDS, seed):
        raw[fold] = _held_out(material, rows, fold)
    return decide(raw, material.target, material.items, measured)


def _held_out(material: Material, rows: NDArray[np.intp], fold: NDArray[np.intp]) -> Floats:
    weights = dual(material.kernel, material.target, material.apart(rows, fold))
    return outputs(material.kernel[fold], material.target, weights)


def cross_judge(
    material: Material, seed: int, learn: NDArray[np.intp] | None = None
) -> tuple[list[Judgement], list[float]]:
    """Judge every measured item by heads that have not seen its group; `learn` restricts what is trained on.

    Returns the judgements and the strict threshold of each outer fold.
    """
    every = np.arange(len(material.items)) if learn is None else learn
    judgements: dict[int, Judgement] = {}
    thresholds = []
    for fold in _folds(material, material.measured, OUTER_FOLDS, seed):
        rows = material.apart(every, fold)
        decision = fit_decision(material, rows, seed + 1)
        raw = _held_out(material, rows, fold)
        judgements |= {int(row): decision.judge(values) for row, values in zip(fold, raw, strict=True)}
        thresholds.append(decision.thresholds["strict"])
    return [judgements[int(row)] for row in material.measured], thresholds


def fit_heads(material: Material, seed: int) -> Heads:
    """Fit on all items; map the dual weights back to weights on features."""
    rows = np.arange(len(material.items))
    weights = dual(material.kernel, material.target, rows)
    return Heads(
        space=material.space,
        dense=(material.waves.T @ weights).astype(np.float32),
        sparse=np.asarray(material.sparse.T @ weights).astype(np.float32),
        bias=(weights * material.target.constant()).sum(axis=0).astype(np.float32),
        decision=fit_decision(material, rows, seed + 1),
    )


def oof_lines(
    items: Sequence[GoldItem], judgements: Sequence[Judgement], instrument: str, *, screened: bool = True
) -> list[LabelLine]:
    """Send items down the cascade with judgements by heads that have not seen them. Spans are left out."""
    lines = []
    for item, judgement in zip(items, judgements, strict=True):
        status = route(item.post, screened=screened)
        if status == "judged":
            lines.append(judged_line(item.post, judgement, find_hits(item.post), [], instrument))
        else:
            lines.append(unjudged_line(item.post, status, instrument))
    return lines


def train(
    gold: Sequence[Path],
    out: Path,
    *,
    extra: Sequence[Path] = (WRITTEN,),
    open_only: bool = False,
    seed: int = 0,
    pools: Sequence[Path] = (),
    record: Path | None = None,
    labels: Path | None = None,
    encoder: Encoder | None = None,
) -> Card:
    """Train on gold files; write `heads.npz` and `card.json` into `out`, per-item predictions into `labels`.

    Args:
        gold: Gold files with texts.
        out: Folder of the artefact.
        extra: Texts written for training, by default the shipped ones: learnt from, never measured on.
        open_only: Use only items whose text may be shipped.
        seed: Seed of folds, bootstrap and pool draw.
        pools: Unlabelled posts (JSON lines, `.gz` or not): flagged posts per 10,000 are counted in a seeded draw.
        record: Demonstration record; its items whose address occurs in the training data are named on the card.
        labels: Folder of the per-item files; by default `out`.
        encoder: Encoder to use; by default the packaged one.

    Raises:
        GoldError: An item has no text, or nothing is left to train on.
    """
    files = {path.name: [item for item in read_gold(path) if item.shippable or not open_only] for path in gold}
    more = {path.name: read_gold(path) for path in extra}
    items = [item for found in files.values() for item in found]
    check_items([*items, *(item for found in more.values() for item in found)], open_only=open_only)
    if encoder is None:
        from classifiers.encoder import default_encoder

        encoder = default_encoder()
    domains = [Path(name).stem if item.shippable else FIELD for name, found in (files | more).items() for item in found]
    everything = [item for found in (files | more).values() for item in found]
    material = gather(everything, domains, len(items), encoder, seed)
    heads = fit_heads(material, seed)
    out.mkdir(parents=True, exist_ok=True)
    artefact = save_heads(heads, out / ARTEFACT)
    instrument = instrument_id(artefact)
    judgements, thresholds = cross_judge(material, seed)
    lines = oof_lines(items, judgements, instrument)
    for name, found in files.items():
        write_labels(found, lines, (labels or out) / f"{Path(name).stem}_labels.jsonl")
    card = build_card(
        files=files,
        extra=more,
        lines=lines,
        unscreened=oof_lines(items, judgements, instrument, screened=False),
        open_lines=None if open_only else _open_lines(material, seed, instrument),
        labeller=Labeller(heads, instrument, encoder),
        artefact=artefact,
        thresholds=thresholds,
        seed=seed,
        pools=pools,
        record=record,
    )
    (out / CARD).write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return card


def _open_lines(material: Material, seed: int, instrument: str) -> list[LabelLine] | None:
    """Lines of all measured items by heads that were trained on shippable texts alone, cross-fitted."""
    learn = np.array([row for row, item in enumerate(material.items) if item.shippable], dtype=np.intp)
    if len(learn) in (0, len(material.items)):
        return None
    home = str(material.target.domains[learn[0]])
    # Read for the shippable texts' own domain: heads that never saw the field know no other.
    domains = [home if name == FIELD else name for name in material.target.domains.tolist()]
    shifted = replace(material, target=replace(material.target, domains=np.array(domains)))
    judgements, _ = cross_judge(shifted, seed, learn)
    return oof_lines(material.items[: material.target.measured], judgements, instrument)


def check_items(items: Sequence[GoldItem], *, open_only: bool) -> None:
    """Refuse items that cannot be trained on, by name."""
    if not items:
        msg = "no item to train on" + (": none is marked shippable" if open_only else "")
        raise GoldError(msg)
    for item in items:
        if not item.has_text:
            msg = f"item {item.id!r} has neither title nor text: training needs the texts"
            raise GoldError(msg)
        if item.gold is None or item.kind is None:
            msg = f"item {item.id!r} lacks gold or kind: training needs both"
            raise GoldError(msg)
    ids = [item.id for item in items]
    if len(set(ids)) < len(ids):
        twice = next(one for one in ids if ids.count(one) > 1)
        msg = f"item {twice!r} is given by two gold files"
        raise GoldError(msg)
