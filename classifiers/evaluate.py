"""Quality of an instrument against labelled items: every figure with its n and a bootstrap interval.

Works on texts judged now and on stored per-item predictions alike: it only compares labels with label lines.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from classifiers import metrics
from classifiers.heads import ACTIONS, BEHAVIOURS, KINDS
from classifiers.items import GoldError, GoldItem
from classifiers.metrics import SUFFICIENT, Bools, Figure, Floats, measured
from classifiers.text import read
from warehouse.schema.models import LabelLine

ANNOTATORS_NOTE: Final = (
    "The annotators are language models working from the codebook, not people; their agreement with one another "
    "(kappa 0.89 on strict positives) is an upper bound for what people would find."
)
Sections = dict[str, dict[str, Figure]]


@dataclass(frozen=True)
class Evaluation:
    """Figures by section, with the notes that must stand beside them."""

    instrument: str
    items: int
    sections: Sections
    statuses: dict[str, int]
    unsure: dict[str, int]
    notes: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return plain values for a card or a file."""
        return {
            "instrument": self.instrument,
            "items": self.items,
            "statuses": self.statuses,
            "unsure": self.unsure,
            "notes": self.notes,
            "sections": {
                name: {key: figure.to_json() for key, figure in figures.items()}
                for name, figures in self.sections.items()
            },
        }

    def to_table(self) -> str:
        """Return a text table: one figure a line, value, 95 % interval, n."""
        lines = [f"instrument {self.instrument}, {self.items} items"]
        lines.append("status: " + ", ".join(f"{name} {n}" for name, n in self.statuses.items()))
        for name, figures in self.sections.items():
            lines.append(f"\n{name.replace('_', ' ')}")
            width = max((len(key) for key in figures), default=0) + 2
            lines += [f"  {key.replace('_', ' '):<{width}}{figure}" for key, figure in figures.items()]
        lines.append("\nbehaviours answered unsure: " + ", ".join(f"{name} {n}" for name, n in self.unsure.items()))
        return "\n".join([*lines, *self.notes])

    def to_text(self) -> str:
        """Return the JSON form as text."""
        return json.dumps(self.to_json(), indent=2)


@dataclass(frozen=True)
class _Pairs:
    """Items beside their lines, with their weights."""

    items: list[GoldItem]
    lines: list[LabelLine]
    weight: Floats
    seed: int

    def where(self, keep: Callable[[GoldItem], bool]) -> "_Pairs":
        rows = [row for row, item in enumerate(self.items) if keep(item)]
        return _Pairs([self.items[r] for r in rows], [self.lines[r] for r in rows], self.weight[rows], self.seed)

    def truth(self, of: Callable[[GoldItem], bool]) -> Bools:
        return np.array([of(item) for item in self.items], dtype=bool)

    def said(self, of: Callable[[LabelLine], bool]) -> Bools:
        return np.array([of(line) for line in self.lines], dtype=bool)

    def measure(
        self, measure: Callable[..., float], truth: NDArray[Any], said: NDArray[Any], least: int = 0, note: str = ""
    ) -> Figure:
        positives = int(truth.sum()) if truth.dtype == bool else None
        return measured(
            measure, truth, said, self.weight, seed=self.seed, least=least, positives=positives, note=note or None
        )


def evaluate(items: Sequence[GoldItem], lines: Sequence[LabelLine], *, seed: int = 0) -> Evaluation:
    """Compare label lines with gold items (same ids, any order).

    A figure is given for what was annotated; lines that were not judged count as "no event", which is what a user
    of the instrument sees. Items with an `inclusion_p` weigh 1/p. Raises `GoldError` where items and lines do not
    match or nothing was annotated.
    """
    by_id = {line.id: line for line in lines}
    missing = [item.id for item in items if item.id not in by_id]
    if missing:
        msg = f"no label line for item {missing[0]!r} ({len(missing)} of {len(items)} items have none)"
        raise GoldError(msg)
    weight = np.array([1 / item.inclusion_p if item.inclusion_p else 1.0 for item in items])
    pairs = _Pairs(list(items), [by_id[item.id] for item in items], weight, seed)
    sections: Sections = {}
    strict = pairs.where(lambda item: item.gold is not None)
    if strict.items:
        sections |= _strict(strict)
        sections["strict_by_source"] = _by(strict, lambda item: item.source.split(":")[0] or "unknown")
        sections["judged_by_source"] = _reached(strict)
        sections["flagged_by_kind"] = _flagged(strict)
        sections["agents_named"] = _vendor_split(strict)
    kinds = pairs.where(lambda item: item.kind is not None)
    if kinds.items:
        sections["kind"] = _kinds(kinds)
    for name in ("behaviours", "actions"):
        marked = pairs.where(lambda item, name=name: getattr(item, name) is not None)  # type: ignore[misc]
        if marked.items:
            sections[name] = _marks(marked, name)
            sections[f"{name}_between_annotators"] = _between_annotators(marked, name)
    scales = _scales(pairs)
    if scales:
        sections["scales"] = scales
    named = pairs.where(lambda item: item.agent is not None)
    if named.items:
        sections.setdefault("agents_named", {})["micro_f1"] = _agents(named)
    if not sections:
        msg = "nothing to compare: no item has any of gold, kind, behaviours, actions, evidence, gravity, score, agent"
        raise GoldError(msg)
    notes = [ANNOTATORS_NOTE]
    if any(item.inclusion_p for item in items):
        notes.append("Items are weighted by 1/inclusion_p; n counts items.")
    return Evaluation(
        instrument=", ".join(sorted({line.instrument for line in pairs.lines})),
        items=len(items),
        sections=sections,
        statuses=dict(Counter(line.status for line in pairs.lines).most_common()),
        unsure={name: sum(name in (line.behaviours_unsure or []) for line in pairs.lines) for name in BEHAVIOURS},
        notes=notes,
    )


def _strict_figures(pairs: _Pairs) -> dict[str, Figure]:
    truth = pairs.truth(lambda item: item.gold == "positive")
    said = pairs.said(lambda line: line.is_strict)
    p = np.array([line.p_strict or 0.0 for line in pairs.lines])
    return {
        "f1": pairs.measure(metrics.f1, truth, said),
        "precision": pairs.measure(metrics.precision, truth, said),
        "recall": pairs.measure(metrics.recall, truth, said),
        "average_precision": pairs.measure(metrics.average_precision, truth, p),
        "precision_at_recall_0.8": pairs.measure(metrics.precision_at_recall, truth, p),
        "calibration_error": pairs.measure(metrics.calibration_error, truth, p),
    }


def _strict(pairs: _Pairs) -> Sections:
    greys = pairs.where(lambda item: item.gold == "grey")
    flagged = greys.said(lambda line: line.is_strict)
    everyone = np.ones(len(greys.items), dtype=bool)
    passed = pairs.where(lambda item: item.gold == "positive")
    reached = passed.said(lambda line: line.status == "judged")
    return {
        "strict_grey_apart": _strict_figures(pairs.where(lambda item: item.gold != "grey")),
        "strict_grey_negative": _strict_figures(pairs),
        "strict_other": {
            "greys_flagged": greys.measure(metrics.recall, everyone, flagged),
            "positives_judged": passed.measure(metrics.recall, np.ones(len(passed.items), dtype=bool), reached),
        },
    }


def _by(pairs: _Pairs, key: Callable[[GoldItem], str]) -> dict[str, Figure]:
    """F1 per group with greys apart; groups with too few positives say how often negatives were flagged."""
    figures = {}
    clear = pairs.where(lambda item: item.gold != "grey")
    for name, _ in Counter(key(item) for item in clear.items).most_common():
        group = clear.where(lambda item, name=name: key(item) == name)  # type: ignore[misc]
        truth = group.truth(lambda item: item.gold == "positive")
        said = group.said(lambda line: line.is_strict)
        wrong, missed = int((said & ~truth).sum()), int((truth & ~said).sum())
        counts = f"false alarms {wrong}, missed {missed}"
        figure = group.measure(metrics.f1, truth, said, SUFFICIENT, counts)
        if figure.value is None:
            figure = Figure(None, None, None, figure.n, figure.positives, f"insufficient; {counts}")
        figures[name] = figure
    return figures


def _reached(pairs: _Pairs) -> dict[str, Figure]:
    """Share of the strict positives of each source that screen and sieve hand on."""
    strict = pairs.where(lambda item: item.gold == "positive")
    figures = {}
    for name, _ in Counter(item.source.split(":")[0] or "unknown" for item in strict.items).most_common():
        group = strict.where(lambda item, name=name: (item.source.split(":")[0] or "unknown") == name)  # type: ignore[misc]
        reached = group.said(lambda line: line.status == "judged")
        figures[name] = group.measure(metrics.recall, np.ones(len(reached), dtype=bool), reached)
    return figures


def _flagged(pairs: _Pairs) -> dict[str, Figure]:
    figures = {}
    for kind in KINDS:
        group = pairs.where(lambda item, kind=kind: item.kind == kind and item.gold != "positive")  # type: ignore[misc]
        if group.items:
            said = group.said(lambda line: line.is_strict)
            figures[kind] = group.measure(metrics.recall, np.ones(len(said), dtype=bool), said)
    return figures


def _vendor_split(pairs: _Pairs) -> dict[str, Figure]:
    """Half of the gold is about one vendor: print the quality on the rest beside the whole."""
    split = {}
    for name, about in (("f1_about_claude", True), ("f1_about_others_or_none", False)):
        group = pairs.where(
            lambda item, about=about: item.gold != "grey" and _about_claude(item) == about  # type: ignore[misc]
        )
        truth = group.truth(lambda item: item.gold == "positive")
        split[name] = group.measure(metrics.f1, truth, group.said(lambda line: line.is_strict), SUFFICIENT)
    return split


def _about_claude(item: GoldItem) -> bool:
    named = " ".join(item.agent or [])
    return any(word in named for word in ("claude", "opus", "sonnet", "haiku", "fable")) or "anthropics/" in item.source


def _kinds(pairs: _Pairs) -> dict[str, Figure]:
    # A post that was not judged is, to a user, one without an event: the commonest such answer stands for it.
    truth = np.array([KINDS.index(item.kind or "other") for item in pairs.items])
    said = np.array([KINDS.index(line.kind) if line.kind else len(KINDS) for line in pairs.lines])
    figures = {
        "accuracy_of_judged": _judged_accuracy(pairs),
        "accuracy": pairs.measure(metrics.accuracy, truth, said),
        "macro_f1": pairs.measure(metrics.macro_f1, truth, said),
    }
    for position, kind in enumerate(KINDS):
        figures[kind] = pairs.measure(metrics.f1, truth == position, said == position, SUFFICIENT)
    return figures


def _judged_accuracy(pairs: _Pairs) -> Figure:
    rows = [row for row, line in enumerate(pairs.lines) if line.kind]
    truth = np.array([KINDS.index(pairs.items[row].kind or "other") for row in rows])
    said = np.array([KINDS.index(pairs.lines[row].kind or "other") for row in rows])
    return measured(metrics.accuracy, truth, said, pairs.weight[rows], seed=pairs.seed)


def _marks(pairs: _Pairs, name: str) -> dict[str, Figure]:
    """F1 per behaviour or action; marks on which annotators differ are left out of both sides."""
    present = "behaviours_present" if name == "behaviours" else "actions"
    figures: dict[str, Figure] = {}
    stack: list[tuple[Bools, Bools, NDArray[np.intp]]] = []
    for mark in BEHAVIOURS if name == "behaviours" else ACTIONS:
        rows = np.array([r for r, item in enumerate(pairs.items) if mark not in getattr(item, f"{name}_unsure")])
        truth = np.array([mark in (getattr(pairs.items[r], name) or []) for r in rows], dtype=bool)
        said = np.array([mark in (getattr(pairs.lines[r], present) or []) for r in rows], dtype=bool)
        figures[mark] = measured(
            metrics.f1,
            truth,
            said,
            pairs.weight[rows],
            seed=pairs.seed,
            least=SUFFICIENT,
            positives=int(truth.sum()),
        )
        if truth.sum() >= SUFFICIENT:
            stack.append((truth, said, rows))
    return {"macro_f1": _macro(pairs, stack), **figures}


def _between_annotators(pairs: _Pairs, name: str) -> dict[str, Figure]:
    """F1 of one annotator's marks against the other's, on items that two have read: how far a mark is a fact at all.

    With a marks on which both agree and d on which they differ it is 2a / (2a + d).
    """
    twice = pairs.where(lambda item: item.annotators == 2)
    figures = {}
    for mark in BEHAVIOURS if name == "behaviours" else ACTIONS:
        both = twice.truth(lambda item, mark=mark: mark in (getattr(item, name) or []))  # type: ignore[misc]
        either = both | twice.truth(lambda item, mark=mark: mark in getattr(item, f"{name}_unsure"))  # type: ignore[misc]
        figures[mark] = twice.measure(metrics.f1, either, both, SUFFICIENT)
    return figures


def _macro(pairs: _Pairs, stack: Sequence[tuple[Bools, Bools, NDArray[np.intp]]]) -> Figure:
    """Mean F1 over the marks with enough positives; items are resampled once for all marks."""

    def mean(truth: NDArray[Any], said: NDArray[Any], weight: Floats) -> float:
        return float(np.mean([metrics.f1(t, s, weight[rows]) for t, s, rows in stack]))

    if not stack:
        return Figure(None, None, None, len(pairs.items), 0, "insufficient")
    blank = np.zeros(len(pairs.items), dtype=np.int_)
    return measured(mean, blank, blank, pairs.weight, seed=pairs.seed, note=f"mean of {len(stack)}")


def _scales(pairs: _Pairs) -> dict[str, Figure]:
    figures = {}
    for name in ("score", "evidence", "gravity"):
        rated = pairs.where(lambda item, name=name: getattr(item, name) is not None)  # type: ignore[misc]
        if not rated.items:
            continue
        truth = np.array([getattr(item, name) for item in rated.items])
        said = np.array([getattr(line, name) or 0 for line in rated.lines])
        figures[f"{name}_quadratic_kappa"] = rated.measure(metrics.quadratic_kappa, truth, said)
        if name == "evidence":
            figures["evidence_kappa"] = rated.measure(metrics.cohen_kappa, truth, said)
    return figures


def _agents(pairs: _Pairs) -> Figure:
    """Micro F1 of the agent names of judged posts."""
    judged = [(i, x, w) for i, x, w in zip(pairs.items, pairs.lines, pairs.weight, strict=True) if x.agents is not None]
    # A name is one name in whatever typography it was copied.
    names = [
        ({read(name).text for name in i.agent or []}, {read(agent.name).text for agent in x.agents or []})
        for i, x, _ in judged
    ]

    def micro(truth: NDArray[Any], said: NDArray[Any], weight: Floats) -> float:
        total = sum(w * (len(t) + len(s)) for (t, s), w in zip(names, weight, strict=True))
        return sum(2 * w * len(t & s) for (t, s), w in zip(names, weight, strict=True)) / total if total else np.nan

    blank = np.zeros(len(names), dtype=np.int_)
    return measured(micro, blank, blank, np.array([w for _, _, w in judged]), seed=pairs.seed, note="of judged posts")


def compare(items: Sequence[GoldItem], lines: Sequence[LabelLine], *, seed: int = 0) -> Evaluation:
    """Evaluate given label lines, whoever made them, on the items that have one; a note says how many have none."""
    told = {line.id for line in lines}
    found = [item for item in items if item.id in told]
    evaluation = evaluate(found or items, lines, seed=seed)
    left = len(items) - len(found)
    if left:
        return replace(evaluation, notes=[*evaluation.notes, f"{left} items have no label line and are left out."])
    return evaluation


def evaluate_posts(
    items: Iterable[GoldItem], label: Callable[[list[Any]], list[LabelLine]], *, seed: int = 0
) -> Evaluation:
    """Judge the items' texts and evaluate; items without a text are refused by name."""
    items = list(items)
    empty = [item.id for item in items if not item.has_text]
    if empty:
        msg = f"item {empty[0]!r} has neither title nor text ({len(empty)} such items): nothing to judge"
        raise GoldError(msg)
    return evaluate(items, label([item.post for item in items]), seed=seed)
