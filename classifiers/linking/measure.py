"""How good linking is, recomputed from the shipped gold texts."""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifiers.linking import pairs
from classifiers.linking.find import find_links
from classifiers.linking.gold import RETELLING, GoldText, b_cubed, f1, joined_pairs, load_gold
from classifiers.linking.groups import cluster
from classifiers.linking.train import REPEATS, SEED, cross_validate, pair_table
from warehouse.schema.models import MERGES

if TYPE_CHECKING:
    from classifiers.encoder import Encoder

Values = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Figures:
    """Agreement of one grouping with the truth; intervals are 95 %."""

    texts: int
    events: int
    b_cubed_f1: float
    f1_interval: tuple[float, float]
    precision: float
    recall: float
    look_alike_pairs: int
    look_alikes_joined: float
    joined_interval: tuple[float, float]


@dataclass(frozen=True)
class Quality:
    """What `measure` finds."""

    cross_validated: Figures
    look_alikes_test: dict[str, Figures]
    retellings_shipped: dict[str, Figures]


def interval(
    per_text: Values, texts: Sequence[GoldText], *, draws: int = 2000, seed: int = SEED
) -> tuple[float, float]:
    """Return the 95 % interval of B-cubed F1 over resampled events."""
    by_event = defaultdict(list)
    for text in texts:
        by_event[text.event].append(per_text[text.report.id])
    events, draw = sorted(by_event), random.Random(seed)  # noqa: S311 - a bootstrap, not a secret
    found = sorted(
        f1(value for event in draw.choices(events, k=len(events)) for value in by_event[event]) for _ in range(draws)
    )
    return round(found[int(0.025 * draws)], 3), round(found[int(0.975 * draws)], 3)


def _share_interval(count: float, whole: int) -> tuple[float, float]:
    """Return the exact binomial interval (Clopper and Pearson, 1934), 95 %."""
    from scipy.stats import beta

    low = float(beta.ppf(0.025, count, whole - count + 1)) if count else 0.0
    high = float(beta.ppf(0.975, count + 1, whole - count)) if count < whole else 1.0
    return round(low, 3), round(high, 3)


def _figures(groups: Sequence[Mapping[str, str]], texts: Sequence[GoldText]) -> Figures:
    """Describe one grouping, or the mean over repeats of several."""
    event = {text.report.id: text.event for text in texts}
    repeats = [b_cubed(group, event) for group in groups]
    per_text = {
        text: tuple(sum(values[text][side] for values in repeats) / len(repeats) for side in (0, 1)) for text in event
    }
    means: Values = {text: (precision, recall) for text, (precision, recall) in per_text.items()}
    counts = [joined_pairs(group, texts) for group in groups]
    joined, whole = sum(count for count, _ in counts) / len(counts), counts[0][1]
    return Figures(
        texts=len(texts),
        events=len(set(event.values())),
        b_cubed_f1=round(f1(means.values()), 3),
        f1_interval=interval(means, texts),
        precision=round(sum(value[0] for value in means.values()) / len(means), 3),
        recall=round(sum(value[1] for value in means.values()) / len(means), 3),
        look_alike_pairs=whole,
        look_alikes_joined=joined,
        joined_interval=_share_interval(joined, whole),
    )


def measure(encoder: "Encoder | None" = None, *, seed: int = SEED) -> Quality:
    """Recompute the quality of linking from the shipped gold texts.

    `cross_validated`: the retellings, each grouped by a scorer that never saw its event, mean of `REPEATS` draws of the
    folds. `look_alikes_test`: the pairs never trained on, grouped by the shipped scorer. `retellings_shipped`: the
    retellings by the shipped scorer, which has seen them: an upper bound. Intervals: 95 %, bootstrap over events for
    F1, exact binomial for the share of look-alike pairs joined.
    """
    if encoder is None:
        from classifiers.encoder import default_encoder

        encoder = default_encoder()
    texts = load_gold()
    retellings = [text for text in texts if text.report.id.startswith(RETELLING)]
    table = pair_table(texts, encoder, pairs.default_weights())
    repeats = [cross_validate(table, retellings, seed=seed + repeat)[0] for repeat in range(REPEATS)]

    def by_setting(chosen: Sequence[GoldText]) -> dict[str, Figures]:
        reports = [text.report for text in chosen]
        links = find_links(reports, encoder=encoder)
        ids = [report.id for report in reports]
        return {setting: _figures([cluster(ids, links, setting)], chosen) for setting in MERGES}

    return Quality(
        cross_validated=_figures(repeats, retellings),
        look_alikes_test=by_setting([text for text in texts if text.split == "test"]),
        retellings_shipped=by_setting(retellings),
    )
