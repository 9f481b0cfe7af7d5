"""Fitting: kernel ridge for all heads at once, Platt calibration, thresholds and cut points. Pure numpy, seeded.

Ridge on a linear kernel equals least-squares classification on the features themselves, and with n items far fewer
than features it costs one n-by-n solve for all outputs (Saunders, Gammerman and Vovk 1998; Rifkin et al. 2003).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from classifiers.features import is_bare
from classifiers.heads import (
    ACTIONS,
    BARE,
    BARE_EVIDENCE,
    BARE_TOP,
    BEHAVIOURS,
    BINARY,
    KINDS,
    ORDINALS,
    OUTPUTS,
    Decision,
)
from classifiers.items import GoldItem
from warehouse.schema import codes

Floats = NDArray[np.float64]
RIDGE: Final = 1.0
POSITIVE_WEIGHT: Final = 3.0
"""Weight of a strict positive against a negative in the strict head."""
DOMAIN_OFFSET: Final = 0.03
"""Every kind of collection has an offset of its own: texts in our own words are mostly events, texts from the field
mostly not, and that must not pass for a property of the words (the plainest form of Daumé 2007)."""
QUIET_WEIGHT: Final = 0.2
"""Weight, for behaviours and actions, of items of a kind that has no behaviours and seldom an action."""
FIELD: Final = "field"
"""The domain of texts from the field: what the heads are read for, where there is any."""
MARKS: Final = (*BEHAVIOURS, *ACTIONS)
INNER_FOLDS: Final = 5
ENOUGH: Final = 20
"""Fewest strict positives of the field on which the strict head is calibrated."""
FEW: Final = 15
"""Fewest positives on which the threshold of a behaviour or an action is chosen."""
LIKELIER: Final = 0.5
"""Threshold of one with fewer: it must be likelier than not."""
OWN_WEIGHT: Final = 0.25
"""Weight of a text in our own words where the strict head is calibrated: it is an event far oftener than the field's,
but the field has few long texts that are."""


@dataclass(frozen=True)
class Targets:
    """What each output is trained towards, shape (items, outputs), and which items count for the strict head."""

    values: Floats
    strict_weight: Floats
    gold: NDArray[np.str_]
    eventful: NDArray[np.bool_]
    """Items of a kind that can have behaviours."""
    bare: NDArray[np.bool_]
    """Items that are but a title."""
    domains: NDArray[np.str_]
    measured: int
    """The first so many items are measured on; those after them serve training only."""

    @property
    def home(self) -> str:
        """The domain that heads are read for."""
        return FIELD if FIELD in self.domains else str(self.domains[0])

    @property
    def natural(self) -> NDArray[np.bool_]:
        """Items of the field: calibration and the strict threshold rest on them first, where there are enough."""
        return np.asarray(self.domains == FIELD)

    def constant(self) -> Floats:
        """Factor of the constant feature, shape (training items, 1), as the home domain sees it."""
        return np.where(self.domains == self.home, 1.0 + DOMAIN_OFFSET, 1.0)[:, None]


def targets(items: Sequence[GoldItem], domains: Sequence[str], measured: int) -> Targets:
    """Encode labels: binary ±1 (0 where annotators differ), kinds ±1, scales centred to about ±1."""
    values = np.zeros((len(items), len(OUTPUTS)))
    column = {name: position for position, name in enumerate(OUTPUTS)}
    for row, item in enumerate(items):
        values[row, column["strict"]] = 1 if item.gold == "positive" else -1
        marks = (
            (BEHAVIOURS, item.behaviours or [], item.behaviours_unsure),
            (ACTIONS, item.actions or [], item.actions_unsure),
        )
        for names, present, unsure in marks:
            for name in names:
                values[row, column[name]] = 0 if name in unsure else 1 if name in present else -1
        for kind in KINDS:
            values[row, column[kind]] = 1 if item.kind == kind else -1
        for name, top in ORDINALS.items():
            values[row, column[name]] = 2 * (getattr(item, name) or 0) / top - 1
    gold = np.array([item.gold or "grey" for item in items])
    weight = np.where(gold == "positive", POSITIVE_WEIGHT, np.where(gold == "grey", 0.0, 1.0))
    eventful = np.array([item.kind in codes.BEHAVIOUR_KINDS for item in items])
    bare = np.array([is_bare(item.post) for item in items])
    return Targets(values, weight, gold, eventful, bare, np.array(domains), measured)


@dataclass(frozen=True)
class Kernels:
    """Products of items' features, shape (posts, items): of all of them, and without the cues.

    The cues tell events from talk; which event it is the words say better alone (measured: macro F1 of the actions
    0.60 with, 0.63 without), so the heads of behaviours and actions do not see them.
    """

    whole: Floats
    uncued: Floats

    def of(self, posts: NDArray[np.intp]) -> "Kernels":
        """Return the rows of some posts."""
        return Kernels(self.whole[posts], self.uncued[posts])


def dual(kernels: Kernels, target: Targets, rows: NDArray[np.intp]) -> Floats:
    """Solve the ridge on `rows`; return dual weights, shape (all items, outputs), zero outside `rows`.

    Four systems: the strict head without greys, behaviours and actions, evidence, and the rest.
    """
    same = DOMAIN_OFFSET * (target.domains[rows][:, None] == target.domains[rows][None, :])
    among = np.ix_(rows, rows)
    told = kernels.whole[among] + 1 + same
    marks, strict, evidence = is_mark(), np.array(OUTPUTS) == "strict", np.array(OUTPUTS) == "evidence"
    eventful = target.eventful[rows]
    weights = np.zeros((kernels.whole.shape[1], len(OUTPUTS)))
    systems = (
        (strict, told, target.strict_weight[rows]),
        (marks, kernels.uncued[among] + 1 + same, np.where(eventful, 1.0, QUIET_WEIGHT)),
        # How well an event is shown is another question than whether there is one: events alone can teach it.
        (evidence, told, np.where(eventful, 1.0, 0.0)),
        (~marks & ~strict & ~evidence, told, np.ones(len(rows))),
    )
    for columns, system, weight in systems:
        used = np.flatnonzero(weight)
        ridge = system[np.ix_(used, used)] + np.diag(RIDGE / weight[used])
        solved = np.linalg.solve(ridge, target.values[np.ix_(rows[used], columns)])
        weights[np.ix_(rows[used], columns)] = solved
    # The graded score knows the thin and the disputed reports that the strict head leaves out.
    weights[:, 0] += weights[:, OUTPUTS.index("score")]
    return weights


def outputs(kernels: Kernels, target: Targets, weights: Floats) -> Floats:
    """Return raw outputs for kernel rows (posts, training items), read as texts of the home domain."""
    products = np.where(is_mark(), kernels.uncued @ weights, kernels.whole @ weights)
    return np.asarray(products + (weights * target.constant()).sum(axis=0))


def is_mark() -> NDArray[np.bool_]:
    """Say of each output whether it is a behaviour or an action: those are judged without the cues."""
    return np.isin(OUTPUTS, MARKS)


def grouped_folds(groups: Sequence[int], strata: Sequence[str], count: int, seed: int) -> list[NDArray[np.intp]]:
    """Deal whole groups into `count` folds, largest first, keeping the strata even; seeded."""
    generator = np.random.default_rng(seed)
    names = sorted(set(strata))
    members: dict[int, list[int]] = {}
    for item, group in enumerate(groups):
        members.setdefault(group, []).append(item)
    order = list(members)
    generator.shuffle(order)
    order.sort(key=lambda group: -len(members[group]))
    load = np.zeros((count, len(names)))
    folds: list[list[int]] = [[] for _ in range(count)]
    for group in order:
        add = np.array([sum(strata[item] == name for item in members[group]) for name in names])
        crowd = (load * (add > 0)).sum(axis=1) + 1e-3 * load.sum(axis=1)
        best = int(crowd.argmin())
        load[best] += add
        folds[best] += members[group]
    return [np.array(sorted(fold), dtype=np.intp) for fold in folds]


def platt(raw: Floats, positive: NDArray[np.bool_], weight: Floats | None = None) -> tuple[float, float]:
    """Fit slope and offset of a logistic curve with Platt's smoothed targets, by Newton steps."""
    weight = np.ones(len(raw)) if weight is None else weight
    n_pos, n_neg = float(weight[positive].sum()), float(weight[~positive].sum())
    goal = np.where(positive, (n_pos + 1) / (n_pos + 2), 1 / (n_neg + 2))
    design = np.column_stack([raw, np.ones(len(raw))])
    weights = np.array([1.0, np.log((n_pos + 1) / (n_neg + 1))])
    for _ in range(100):
        p = 1 / (1 + np.exp(-np.clip(design @ weights, -30, 30)))
        gradient = design.T @ (weight * (p - goal)) + 1e-3 * weights
        hessian = (design * (weight * p * (1 - p))[:, None]).T @ design + 1e-3 * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        weights = weights - np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-8:
            break
    # A head that learnt nothing must not turn upside down.
    return max(float(weights[0]), 0.0), float(weights[1])


def best_threshold(p: Floats, positive: NDArray[np.bool_]) -> float:
    """Return the probability cut with the highest F1, half-way to the next lower probability."""
    if not positive.any():
        return 1.0
    order = np.argsort(-p, kind="stable")
    return _highest(p[order], np.cumsum(positive[order]), np.arange(1.0, len(p) + 1), float(positive.sum()))


def expected_threshold(p: Floats, weight: Floats) -> float:
    """Return the cut with the highest F1 to be expected if every p is right (Lipton, Elkan and Naryanaswamy 2014).

    It rests on the whole calibrated curve and not on the few items near the cut (measured on real posts, chosen on
    other folds: F1 0.844, with `best_threshold` 0.832, where 0.867 was to be had).
    """
    if not p.any():
        return 1.0
    order = np.argsort(-p, kind="stable")
    mass = (weight * p)[order]
    return _highest(p[order], np.cumsum(mass), np.cumsum(weight[order]), float(mass.sum()))


def _highest(ranked: Floats, hits: Floats, answered: Floats, wanted: float) -> float:
    f = 2 * hits / (answered + wanted)
    f[np.append(ranked[1:] == ranked[:-1], [False])] = -1
    best = int(f.argmax())
    below = ranked[best + 1] if best + 1 < len(ranked) else 0.0
    return round(float((ranked[best] + below) / 2), 4)


def best_cuts(raw: Floats, truth: NDArray[np.int_], top: int, quality: Callable[..., float]) -> tuple[float, ...]:
    """Place `top` rising cut points on a raw output so that `quality(truth, answer)` is highest (coordinate ascent)."""
    if not len(raw):
        return (float("inf"),) * top
    shares = [float((truth >= level).mean()) for level in range(1, top + 1)]
    cuts = np.array([np.quantile(raw, 1 - share) if share else raw.max() + 1 for share in shares])
    grid = np.unique(np.quantile(raw, np.linspace(0, 1, 120)))
    best = quality(truth, np.searchsorted(cuts, raw, side="right"))
    for _ in range(2):
        for position in range(top):
            if not shares[position]:
                continue
            for value in grid:
                trial = cuts.copy()
                trial[position] = value
                if np.any(np.diff(trial) < 0):
                    continue
                found = quality(truth, np.searchsorted(trial, raw, side="right"))
                if found > best + 1e-9:
                    best, cuts = found, trial
    return tuple(float(cut) for cut in cuts)


def decide(raw: Floats, target: Targets, items: Sequence[GoldItem], rows: NDArray[np.intp]) -> Decision:
    """Fit calibration, thresholds and cuts on out-of-fold raw outputs of `rows`."""
    from classifiers.metrics import cohen_kappa, quadratic_kappa

    curves, thresholds, strict = _decide_strict(raw, target, rows)
    # Behaviours are answered only where the answered kind can have any; actions of every text, as the codebook has it.
    gate = _likely_event(raw) | strict
    for position, name in enumerate(BINARY):
        if name == "strict":
            continue
        known = rows[target.values[rows, position] != 0]
        positive = target.values[known, position] > 0
        answered = gate[known] | (name in ACTIONS)
        shown = answered | positive
        curves[name] = platt(raw[known[shown], position], positive[shown])
        p = answered * _curve(curves[name], raw[known, position])
        thresholds[name] = best_threshold(p, positive) if positive.sum() >= FEW else LIKELIER
    cuts = {}
    for name in ("gravity", "score"):
        degree = np.array([getattr(items[row], name) or 0 for row in rows])
        cuts[name] = best_cuts(raw[rows, OUTPUTS.index(name)], degree, ORDINALS[name], quadratic_kappa)
    shown_by = np.array([item.evidence or 0 for item in items])
    # Of events alone, and a title that stands alone shows no artefact.
    forms = (("evidence", ~target.bare, ORDINALS["evidence"]), (BARE_EVIDENCE, target.bare, BARE_TOP))
    for form, of, top in forms:
        events = rows[(of & gate & (shown_by > 0))[rows]]
        degree = shown_by[events].clip(1, top) - 1
        cuts[form] = best_cuts(raw[events, OUTPUTS.index("evidence")], degree, top - 1, cohen_kappa)
    return Decision(curves, thresholds, cuts)


def _decide_strict(
    raw: Floats, target: Targets, rows: NDArray[np.intp]
) -> tuple[dict[str, tuple[float, float]], dict[str, float], NDArray[np.bool_]]:
    """Calibrate the strict head for bare titles and for texts; return curves, thresholds and who is strict by them.

    Where one of the two has too few strict positives, both share a curve.
    """
    known = rows[target.gold[rows] != "grey"]
    positive = target.gold[known] == "positive"
    natural = target.natural[known]
    weight = np.where(natural | (positive[natural].sum() < ENOUGH), 1.0, OWN_WEIGHT)
    bare = target.bare[known]
    shared = min(positive[bare].sum(), positive[~bare].sum()) < ENOUGH
    curves, thresholds, strict = {}, {}, np.zeros(len(raw), dtype=bool)
    for name, form, of in (("strict", ~bare, ~target.bare), (BARE, bare, target.bare)):
        used = np.ones(len(known), dtype=bool) if shared else form
        curves[name] = platt(raw[known[used], 0], positive[used], weight[used])
        thresholds[name] = expected_threshold(_curve(curves[name], raw[known[used], 0]), weight[used])
        strict |= of & (_curve(curves[name], raw[:, 0]) >= thresholds[name])
    return curves, thresholds, strict


def _curve(fitted: tuple[float, float], raw: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-(fitted[0] * raw + fitted[1]))))


def _likely_event(raw: Floats) -> NDArray[np.bool_]:
    kinds = raw[:, len(BINARY) : len(BINARY) + len(KINDS)]
    return np.isin(np.array(KINDS)[kinds.argmax(axis=1)], codes.BEHAVIOUR_KINDS)
