"""Does a name move a judgement? The same texts with one maker's names put in place of another's."""

import re
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from classifiers.label import Labeller
from warehouse.schema.models import Post

SWAPS: Final = (
    (r"\bCLAUDE\.md\b", "GEMINI.md"),
    (r"\bclaude[ -]code\b", "Gemini CLI"),
    (r"\b(?:claude )?(?:opus|sonnet|haiku)(?: \d(?:\.\d)?)?\b", "Gemini 3 Pro"),
    (r"\bclaude\b", "Gemini"),
    (r"\banthropic\b", "Google"),
)


def swapped(post: Post) -> Post:
    """Return the post with Anthropic's names replaced by Google's."""
    title, text = post.title, post.text
    for pattern, name in SWAPS:
        title, text = (re.sub(pattern, name, field, flags=re.IGNORECASE) for field in (title, text))
    return post.model_copy(update={"title": title, "text": text})


def name_swap(posts: Sequence[Post], labeller: Labeller) -> dict[str, Any]:
    """Return how far p moves when the names change, over the posts that hold one and are judged either way."""
    moved, status = [], 0
    for post in posts:
        other = swapped(post)
        if other == post:
            continue
        before, after = labeller.label([post, other])
        status += before.status != after.status
        if before.p_strict is not None and after.p_strict is not None and before.status == after.status == "judged":
            moved.append(abs(before.p_strict - after.p_strict))
    return {
        "n": len(moved),
        "median": round(float(np.median(moved)), 4) if moved else None,
        "90th_percentile": round(float(np.quantile(moved, 0.9)), 4) if moved else None,
        "judged_under_one_name_only": status,
        "swap": "Claude, its models and its maker against Gemini, Gemini 3 Pro and Google",
    }
