from collections.abc import Iterator

from flows.sources import sample
from tests.conftest import ROOT
from tests.simulation import streams, texts

RUN = 8


def runs_of_words(text: str) -> set[tuple[str, ...]]:
    words = text.lower().split()
    return {tuple(words[place : place + RUN]) for place in range(len(words) - RUN + 1)}


def made() -> Iterator[str]:
    for number in range(streams.EVENTS):
        for telling in range(3):
            yield " ".join(texts.tell(texts.event(number), telling))
    for number in range(streams.POOL_OF_NOISE):
        yield " ".join(texts.noise(number))
    for number in range(streams.POOL_OF_LOOK_ALIKES):
        yield " ".join(texts.look_alike(number))


def test_made_up_texts_share_no_run_of_words_with_what_the_instrument_learned_from() -> None:
    known: set[tuple[str, ...]] = set()
    for name in ("own_words", "contrast", "retellings", "retellings_tune", "look_alikes"):
        for line in (ROOT / "classifiers" / "gold" / f"{name}.jsonl").read_text("utf-8").splitlines():
            known |= runs_of_words(line)
    for entry in sample.record():
        known |= runs_of_words(entry["summary"])
    assert known
    assert not any(known & runs_of_words(text) for text in made())


def test_a_stream_is_the_same_for_a_seed_and_rises_as_planted() -> None:
    assert streams.stream(3) == streams.stream(3)
    assert streams.stream(3) != streams.stream(4)
    means = streams.means()
    assert round(means[-1] / means[0], 6) == streams.RISE
    events = [len({post.event for post in streams.stream(seed) if post.event is not None}) for seed in range(40)]
    assert abs(sum(events) / 40 / sum(means) - 1) < 0.05
