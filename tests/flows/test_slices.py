"""Spans of time: whatever is asked in whatever order, each moment is read and none is forgotten."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from flows.slices import Progress, Window, asked, finished, halved, joined, out_of_reach, steps, without

BASE = datetime(2026, 1, 1, tzinfo=UTC)


def window(start: int, length: int) -> Window:
    return Window(BASE + timedelta(minutes=start), BASE + timedelta(minutes=start + length))


windows = st.builds(window, st.integers(0, 500), st.integers(1, 300))


def minutes(spans: tuple[Window, ...]) -> set[int]:
    return {
        minute
        for span in spans
        for minute in range(
            int((span.start - BASE).total_seconds() // 60), int((span.end - BASE).total_seconds() // 60)
        )
    }


@given(st.lists(windows, max_size=8), windows)
def test_what_is_left_is_what_nobody_took(taken: list[Window], span: Window) -> None:
    assert minutes(without(span, tuple(taken))) == minutes((span,)) - minutes(tuple(taken))
    assert minutes(joined(tuple(taken))) == minutes(tuple(taken))


@given(windows, st.integers(1, 200))
def test_steps_cover_a_span_and_are_cut_at_whole_steps(span: Window, length: int) -> None:
    cut = steps(span, timedelta(minutes=length))
    assert minutes(cut) == minutes((span,))
    assert sum(len(minutes((part,))) for part in cut) == len(minutes((span,)))
    assert all(int(part.end.timestamp()) % (length * 60) == 0 for part in cut[:-1])


@given(st.lists(windows, min_size=1, max_size=5), st.integers(0, 800), st.lists(st.booleans(), max_size=30))
def test_everything_asked_for_and_settled_is_read_in_the_end(
    spans: list[Window], settled: int, halve: list[bool]
) -> None:
    progress = Progress()
    for span in spans:
        progress = asked(progress, span, timedelta(minutes=60))
    choices = iter(halve)
    until = BASE + timedelta(minutes=settled)
    while progress.todo:
        first = progress.todo[0]
        if next(choices, False) and first.end - first.start > timedelta(minutes=2):
            progress = halved(progress)
        else:
            progress = finished(progress, until)
        assert Progress.loads(progress.dumps()) == progress
    wanted = minutes(tuple(spans))
    assert {m for m in wanted if m < settled - 1} <= minutes(progress.done)
    # Nothing that was read is asked for again; what is not settled is.
    again = asked(progress, spans[0], timedelta(minutes=60))
    assert minutes(again.todo) == minutes((spans[0],)) - minutes(progress.done)


@given(st.lists(windows, min_size=1, max_size=4), st.integers(0, 800))
def test_what_is_out_of_reach_is_named_and_no_longer_asked_for(spans: list[Window], limit: int) -> None:
    progress = asked(Progress(), spans[0], timedelta(minutes=60))
    left, lost = out_of_reach(progress, BASE + timedelta(minutes=limit))
    assert minutes(left.todo) | minutes(lost) == minutes(progress.todo)
    assert all(minute >= limit for minute in minutes(left.todo))
    assert all(minute < limit for minute in minutes(lost))
