"""Excerpts are few, short, and highlight what was found in them."""

from warehouse.present.cases import LONGEST, WORD, excerpts


def _row(excerpt: str, found: str, field: str = "text") -> dict[str, object]:
    start = excerpt.index(found)
    return {"span_field": field, "excerpt": excerpt, "span_start": start, "span_end": start + len(found)}


def test_the_richest_text_comes_first_and_nothing_twice() -> None:
    rich, poor = "it deleted the folder and said that it had not", "then it pushed to main without asking"
    found = excerpts(
        [
            _row("Agent deleted my folder", "deleted my folder", "title"),
            _row(poor, "pushed"),
            _row(rich, "deleted"),
            _row(rich, "said that it had not"),
            _row("and said that it had not, in the end", "said that it had not"),
        ]
    )
    assert [text for text, _ in found] == [rich, poor]
    assert [rich[start:end] for start, end in found[0][1]] == ["deleted", "said that it had not"]


def test_a_long_excerpt_is_cut_around_what_was_found() -> None:
    text = "word " * 300 + "it deleted everything " + "word " * 300
    ((shown, spans),) = excerpts([_row(text, "deleted")])
    assert len(shown) <= LONGEST + 4
    assert shown.startswith("… ")
    assert shown.endswith(" …")
    assert [shown[start:end] for start, end in spans] == ["deleted"]


def test_what_was_found_at_the_end_keeps_what_led_to_it() -> None:
    text = "start " * 100 + "and then it deleted everything"
    ((shown, spans),) = excerpts([_row(text, "deleted")])
    assert shown.endswith("and then it deleted everything")
    assert len(shown) > LONGEST - 10
    assert [shown[start:end] for start, end in spans] == ["deleted"]


def test_a_span_longer_than_the_window_stays_inside_it() -> None:
    text = "x" * 2000
    ((shown, spans),) = excerpts([_row(text, text)])
    assert spans == ((0, LONGEST),)
    assert shown == "x" * LONGEST + " …"


def test_a_text_without_spaces_still_shows_what_was_found() -> None:
    text = "x" * 1500 + "deleted" + "y" * 1500
    ((shown, spans),) = excerpts([_row(text, "deleted")])
    assert [shown[start:end] for start, end in spans] == ["deleted"]
    assert len(shown) <= LONGEST + WORD


def test_nothing_visible_is_no_excerpt() -> None:
    assert excerpts([_row("\u200b\u202e\u200b", "\u202e")]) == ()
    assert excerpts([]) == ()
