"""Training: one seeded command rebuilds the artefact, its card and every figure on it.

Figures come from nested cross-validation: for each outer fold the heads, their calibration and their thresholds are
fitted on the rest alone, by the same code that fits the shipped artefact.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from classifiers.card import CARD, Card, build_card, write_labels
from classifiers.encoder import Encoder
from classifiers.features import CUE_BLOCK
from classifiers.fit import FIELD, INNER_FOLDS, Floats, decide, dual, is_mark, outputs
from classifiers.heads import ARTEFACT, BARE, OUTPUTS, Decision, Heads, Judgement, save_heads
from classifiers.items import GoldError, GoldItem, read_gold
from classifiers.label import Labeller, judged_line, route, unjudged_line
from classifiers.language import is_readable
from classifiers.material import READING, WORDS, Material, gather, split
from classifiers.rules import find_hits
from classifiers.screen import screen
from classifiers.sieve import Sieve, fit_weights, matrix, pack
from classifiers.stream import draw, read_pools
from classifiers.version import instrument_id
from warehouse.schema.models import LabelLine, Post

OUTER_FOLDS: Final = 10
REFOLDS: Final = 3
"""Further draws of the folds, to say how far the figures hang on them."""
SIEVE_DRAWS: Final = 4
"""Draws of the folds over which a post's score is averaged before the sieve's cut is chosen: the cut rests on the few
lowest positives, and the lot of one draw moved the share handed on between 2.5 and 2.9 %."""
SIEVE_RECALL: Final = 0.97
"""Share of the labelled strict positives that the sieve's cut lets through, where it is chosen."""
SIEVE_WEIGHTS: Final = {"positive": 3.0, "grey": 0.5, "negative": 1.0, "none": 1.0}
"""What an item weighs in the sieve; greys and shown behaviours are to pass, unlabelled posts of the pools are not."""
WRITTEN: Final = Path(__file__).with_name("gold") / "contrast.jsonl"
"""Short texts of ours, written to set events apart from what only sounds like them; they tell of nothing real."""
NOTED: Final = WRITTEN.with_name("pool_labels.jsonl")
"""Labels of posts of the pools that earlier instruments ranked highest; their texts are looked up in the pools."""


def fit_decision(material: Material, rows: NDArray[np.intp], seed: int) -> Decision:
    """Fit calibration and thresholds on inner out-of-fold outputs of the measured members of `rows`."""
    measured = np.intersect1d(rows, material.measured)
    raw = np.zeros((len(material.items), len(OUTPUTS)))
    for fold in split(material, measured, INNER_FOLDS, seed):
        raw[fold] = _held_out(material, rows, fold)
    return decide(raw, material.target, material.items, measured)


def _held_out(material: Material, rows: NDArray[np.intp], fold: NDArray[np.intp]) -> Floats:
    weights = dual(material.kernels, material.target, material.apart(rows, fold))
    return outputs(material.kernels.of(fold), material.target, weights)


def cross_judge(
    material: Material, seed: int, learn: NDArray[np.intp] | None = None
) -> tuple[list[Judgement], list[dict[str, float]]]:
    """Judge every row of `material.judged` by heads that have not seen its group; `learn` restricts what is trained on.

    Returns the judgements and the strict thresholds of each outer fold.
    """
    every = np.arange(len(material.items)) if learn is None else learn
    judgements: dict[int, Judgement] = {}
    thresholds = []
    for fold in split(material, material.judged, OUTER_FOLDS, seed):
        rows = material.apart(every, fold)
        decision = fit_decision(material, rows, seed + 1)
        raw = _held_out(material, rows, fold)
        for row, values in zip(fold, raw, strict=True):
            judgements[int(row)] = decision.judge(values, bare=bool(material.target.bare[row]))
        thresholds.append({name: decision.thresholds[name] for name in ("strict", BARE)})
    return [judgements[int(row)] for row in material.judged], thresholds


def fit_sieve(material: Material, others: Sequence[Post], seed: int) -> tuple[Sieve, list[bool]]:
    """Fit the sieve on the items, and on posts of the pools without a label as posts to be held back.

    The cut lets `SIEVE_RECALL` of the strict positives through; each fold's cut is chosen on the others. Returned with
    it is which rows of `material.judged` pass sieves that have not seen them, in the mean of `SIEVE_DRAWS` draws.
    """
    from scipy.sparse import vstack

    items = material.items
    gold = material.target.gold
    rows, weak = matrix([item.post for item in items]), matrix(others)
    # A laboratory's result is no report, but what it shows is to be read.
    telling = (gold != "negative") | np.array([bool(item.behaviours) for item in items])
    goal = np.append(telling, np.zeros(len(others), dtype=bool))
    weight = np.array([SIEVE_WEIGHTS[name] for name in [*gold, *["none"] * len(others)]])
    apart = np.arange(len(items), len(items) + len(others))
    every = np.arange(len(items))
    wanted = material.judged[gold[material.judged] == "positive"]
    whole = vstack([rows, weak]).tocsr()

    def fitted(learn: NDArray[np.intp]) -> Floats:
        used = np.concatenate([learn, apart])
        return fit_weights(whole[used], goal[used], weight[used])

    score = np.zeros(len(items))
    draws = [split(material, material.judged, OUTER_FOLDS, seed + more) for more in range(SIEVE_DRAWS)]
    for fold in chain.from_iterable(draws):
        w = fitted(material.apart(every, fold))
        score[fold] += (rows[fold] @ w[:-1] + w[-1]) / SIEVE_DRAWS

    def cut(rows: NDArray[np.intp]) -> float:
        return float(np.quantile(score[rows], 1 - SIEVE_RECALL)) if len(rows) else -np.inf

    passed = np.zeros(len(items), dtype=bool)
    for fold in draws[0]:
        passed[fold] = score[fold] >= cut(np.setdiff1d(wanted, fold))
    return pack(fitted(every), cut(wanted)), passed[material.judged].tolist()


def fit_heads(material: Material, sieve: Sieve, seed: int) -> Heads:
    """Fit on all items; map the dual weights back to weights on features."""
    rows = np.arange(len(material.items))
    weights = dual(material.kernels, material.target, rows)
    sparse = (WORDS * np.asarray(material.sparse.T @ weights)).astype(np.float32)
    sparse[CUE_BLOCK, is_mark()] = 0
    return Heads(
        space=material.space,
        support=material.places.astype(np.float32),
        dual=(READING * weights).astype(np.float32),
        sparse=sparse,
        bias=(weights * material.target.constant()).sum(axis=0).astype(np.float32),
        decision=fit_decision(material, rows, seed + 1),
        sieve=sieve,
    )


def oof_lines(
    items: Sequence[GoldItem], judgements: Sequence[Judgement], passed: Sequence[bool] | None, instrument: str
) -> list[LabelLine]:
    """Send items down the cascade with answers of a sieve and of heads that have not seen them; spans are left out.

    With `passed` None everything in a language that is read is judged.
    """
    lines = []
    for number, (item, judgement) in enumerate(zip(items, judgements, strict=True)):
        status = route(item.post, None, screened=passed is not None)
        if passed is not None and status == "judged" and not passed[number]:
            status = "screened_out"
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
    noted: Path = NOTED,
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
        noted: Labels of posts of the pools: learnt from where the pools hold the texts; never measured on.
        open_only: Use only items whose text may be shipped.
        seed: Seed of folds, bootstrap and pool draw.
        pools: Posts (JSON lines, `.gz` or not): a seeded draw is counted, the sieve learns from the rest.
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
        from classifiers.encoder import label_encoder

        encoder = label_encoder()
    posts = read_pools(pools)
    drawn = [posts[key] for key in draw(posts, seed)]
    written = [item for found in more.values() for item in found]
    labelled = [] if open_only else with_texts(read_gold(noted), posts, [*items, *written])
    everything = [*items, *written, *labelled]
    named = {item.id: Path(name).stem for name, found in (files | more).items() for item in found if item.shippable}
    material = gather(everything, [named.get(item.id, FIELD) for item in everything], len(items), encoder)
    others = [] if open_only else unlabelled(posts, everything, drawn)
    sieve, passed = fit_sieve(material, others, seed)
    heads = fit_heads(material, sieve, seed)
    out.mkdir(parents=True, exist_ok=True)
    artefact = save_heads(heads, out / ARTEFACT)
    instrument = instrument_id(artefact)
    judged = [everything[row] for row in material.judged]
    judgements, thresholds = cross_judge(material, seed)
    lines = oof_lines(judged, judgements, passed, instrument)
    labeller = Labeller(heads, instrument, encoder)
    for name, found in files.items():
        write_labels(found, lines, (labels or out) / f"{Path(name).stem}_labels.jsonl")
    card = build_card(
        files=files,
        extra=more,
        noted=labelled,
        lines=lines,
        refolded={
            other: oof_lines(judged, cross_judge(material, other)[0], passed, instrument)
            for other in range(seed + 1, seed + 1 + REFOLDS)
        },
        unscreened=oof_lines(judged, judgements, None, instrument),
        open_lines=None if open_only else _open_lines(material, seed, instrument),
        labeller=labeller,
        artefact=artefact,
        thresholds=thresholds,
        seed=seed,
        pools=[path.name for path in pools],
        drawn=drawn,
        record=record,
    )
    (out / CARD).write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return card


def with_texts(noted: Sequence[GoldItem], posts: Mapping[str, Post], known: Sequence[GoldItem]) -> list[GoldItem]:
    """Return the noted items whose text is at hand, with it; none that is `known` already by id, address or title."""
    ids, urls = {item.id for item in known}, {item.url for item in known if item.url}
    titles = {item.post.title.casefold() for item in known}
    return [
        item.model_copy(update={"title": posts[item.id].title, "text": posts[item.id].text})
        for item in noted
        if item.id in posts
        and item.id not in ids
        and item.url not in urls
        and posts[item.id].title.casefold() not in titles
    ]


def unlabelled(posts: Mapping[str, Post], known: Sequence[GoldItem], drawn: Sequence[Post]) -> list[Post]:
    """Return the posts that pass the screen, are not drawn for counting, and share no id or title with a known one."""
    ids = {item.id for item in known} | {post.id for post in drawn}
    titles = {item.post.title.casefold() for item in known}
    return [
        post
        for key, post in posts.items()
        if key not in ids and post.title.casefold() not in titles and is_readable(post) and screen(post).kept
    ]


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
    judged = [shifted.items[row] for row in shifted.judged]
    return oof_lines(judged, judgements, [True] * len(judged), instrument)


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
