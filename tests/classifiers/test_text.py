import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.text import MAX_READ, compatible, fold, normalise, read


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("it\u2019s \u201cdone\u201d \u2014 really", 'it\'s "done" - really'),
        ("dele\u200bted\u2060 \u202enothing\u202c", "deleted nothing"),
        ("\uff21\uff29 \ufb01le", "AI file"),
        ("  two\t\tspaces \r\n one line\n\n\nnext ", "two spaces one line\n\nnext"),
        ("cafe\u0301", "caf\u00e9"),
        ("", ""),
        ("\U0001f600", "\U0001f600"),
    ],
)
def test_normalise_makes_one_spelling_of_many(given_text, expected):
    assert normalise(given_text) == expected
    assert normalise(expected) == expected


def test_case_is_kept_by_normalise_and_dropped_by_fold():
    assert normalise("CLAUDE.md") == "CLAUDE.md"
    assert fold("CLAUDE.md \u2018Stop\u2019") == "claude.md 'stop'"


def test_reading_takes_markup_away_and_keeps_what_it_marks():
    text = "## Bug\n\n**Never** ask <b>twice</b> &amp; see [the log](https://example.org/a)\n```bash\nrm -rf build\n```\nend"
    assert read(text).text == "Bug\n\nNever ask twice & see the log (https://example.org/a)\n\nrm -rf build\n\nend"


@pytest.mark.parametrize(
    ("text", "word", "as_given"),
    [
        ("It **deleted** the file", "deleted", "deleted"),
        ("It d\u200bele\u200bted it", "deleted", "d\u200bele\u200bted"),
        ("I said don\u2019t", "don't", "don\u2019t"),
        ("a <b>bold</b> act", "bold act", "bold</b> act"),
        ("one \ufb01le gone", "file", "\ufb01le"),
        ("e\u0301t\u0301e\u0301 over", "over", "over"),
        ("a\n\n\n\nb wiped it", "wiped", "wiped"),
        ("\U0001f600\U0001f600 pushed", "pushed", "pushed"),
    ],
)
def test_places_in_the_cleaned_text_lead_back_to_the_field_as_given(text, word, as_given):
    cleaned = read(text)
    start = cleaned.text.index(word)
    first, last = cleaned.original(start, start + len(word))
    assert text[first:last] == as_given


@given(st.text(alphabet=st.sampled_from("ab '*`<>&;[](){}#\n\u200b\u0301\u2019\ufb01\u00e9\U0001f600"), max_size=200))
def test_every_cleaned_character_has_a_place_inside_the_field(text):
    cleaned = read(text)
    assert len(cleaned.text) == len(cleaned.starts) == len(cleaned.ends)
    assert list(cleaned.starts) == sorted(cleaned.starts)
    assert all(0 <= start < end <= len(text) for start, end in zip(cleaned.starts, cleaned.ends, strict=True))


def test_only_the_first_characters_are_read():
    assert "end" not in read("word " * MAX_READ + "end").text
    assert len(read("a" * 3 * MAX_READ).text) == MAX_READ


@pytest.mark.parametrize(
    "unit",
    ["a\u0301", "\u0301\u0323", "\ufdfa", "<a ", "<!--", "[", "](", "*", "\u200b", "\n", "&lt;", "\ud800", "`", "\x01"],
)
def test_a_megabyte_of_anything_is_read_in_bounded_time(unit):
    text = unit * (1_000_000 // len(unit))
    started = time.perf_counter()
    assert len(read(text).text) <= 4 * MAX_READ
    normalise(text)
    compatible(text)
    assert time.perf_counter() - started < 5


def test_random_bytes_do_not_stop_the_reading():
    text = random.Random(1).randbytes(5_000).decode("latin-1")
    assert normalise(read(text).text) is not None
