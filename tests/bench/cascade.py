"""The whole instrument over posts, against sentence-transformers over everything and a scikit-learn notebook."""

import json
import random
from typing import Any, Final

import pandas as pd

from classifiers.encoder import MiniLM
from classifiers.items import read_gold
from classifiers.label import load_labeller
from flows.files import post_of_item
from tests.bench import posts
from tests.bench.frame import Row, clocked, peak, rate
from tests.conftest import ROOT

TITLE: Final = "Judging posts"
ABOUT: Final = (
    "The cascade judges every post but encodes only what the screen keeps. *Sentence-transformers over everything* encodes "
    "all of the same posts with the same model in batches of 32 and puts a logistic regression on the vectors. *The "
    "notebook* is pandas and scikit-learn: TF-IDF of words and pairs of words and a logistic regression, fitted on the "
    "texts shipped in `classifiers/gold`. Only speed is compared here. The rate by kept post is what one encoded post "
    "costs: it bounds what a machine can judge."
)
_GOLD = ROOT / "classifiers" / "gold"


def labelled_texts() -> tuple[list[str], list[bool]]:
    """Return the shipped labelled texts and whether each tells an event."""
    texts, events = [], []
    for name in ("own_words", "contrast"):
        for item in read_gold(_GOLD / f"{name}.jsonl"):
            if item.has_text and item.kind is not None:
                texts.append(f"{item.title or ''}\n{item.text or ''}")
                events.append(item.kind in {"first_hand", "second_hand"})
    return texts, events


def rows(*, small: bool) -> list[Row]:
    """Measure on drawn posts."""
    items = [json.loads(line) for line in posts.drawn(60 if small else 4000)]
    some = random.Random(posts.SEED).sample(items, 20 if small else 1000)
    labeller = load_labeller()
    read = [post_of_item(item) for item in items]
    # The first one also reads the rules and wakes the libraries.
    loading, _ = clocked(lambda: labeller.label(read[:1], screened=False))
    judging, lines = clocked(lambda: labeller.label(read))
    judged = sum(line.status == "judged" for line in lines)
    everything = _encode_all(some)
    notebook = _notebook(items)
    cascade = rate("the cascade over all posts", len(read), judging, against=everything)
    return [
        everything,
        notebook,
        cascade,
        rate("the cascade against the notebook", len(read), judging, against=notebook),
        rate("the cascade, by post encoded", judged, judging),
        Row("share of posts encoded", judged / len(read), "share", len(read)),
        Row("loading model and rules, the first post", loading.wall, "s", 1, loading.wall, loading.cpu),
        peak(),
    ]


def _encode_all(items: list[dict[str, Any]]) -> Row:
    from sklearn.linear_model import LogisticRegression

    texts, events = labelled_texts()
    encoder = MiniLM()
    head = LogisticRegression(max_iter=1000).fit(encoder.encode(texts), events)
    spent, _ = clocked(lambda: head.predict_proba(encoder.encode([posts.text_of(item) for item in items])))
    return rate("sentence-transformers over everything", len(items), spent)


def _notebook(items: list[dict[str, Any]]) -> Row:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    texts, events = labelled_texts()
    model = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(max_iter=1000)).fit(texts, events)

    def judge() -> Any:
        held = pd.DataFrame(items)
        text = held["title"].fillna("") + "\n" + held["text"].fillna("")
        return held.assign(p=model.predict_proba(text)[:, 1])

    spent, _ = clocked(judge)
    return rate("a pandas and scikit-learn notebook", len(items), spent)
