"""One line a reader understands: what two reports have in common."""

from classifiers.linking.pairs import Profile, telling

_MOST = 4


def _when(one: Profile, other: Profile) -> str:
    a, b = one.clues, other.clues
    if not a.posted or not b.posted:
        return ""
    days = abs((a.posted - b.posted).days)
    later = a if a.posted >= b.posted else b
    if days > 14 and later.past:
        start = min(window[0] for window in later.windows)
        return f"the later one looks back at {start:%B %Y}"
    return "posted the same day" if days == 0 else f"posted {days} day{'s' * (days > 1)} apart"


def same_event_reason(one: Profile, other: Profile) -> str:
    """Name makers, actions, rarest words and figures that two reports share, their dates and their similarity."""
    a, b = one.clues, other.clues
    shared = sorted(a.stems & b.stems, key=lambda stemmed: (-one.idf[stemmed], stemmed))
    makers = sorted(a.makers & b.makers)
    words = [a.surface[stemmed] for stemmed in shared if one.idf[stemmed] > 2.5][:_MOST]
    figures = [f"{number:,g}" for number in sorted(a.numbers & b.numbers, reverse=True) if telling(number)][:_MOST]
    actions = sorted(set(a.report.actions) & set(b.report.actions))
    told = [
        *makers,
        *(action.replace("_", " ") for action in actions),
        *(w for w in words if w not in makers),
        *figures,
    ]
    subject = f"both tell of: {', '.join(told)}" if told else "alike in meaning"
    when = _when(one, other)
    similarity = f"similarity {float(one.vector @ other.vector):.2f}"
    return "; ".join(part for part in (subject, when, similarity) if part)
