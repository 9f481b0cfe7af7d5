"""When the told event happened, as far as the text says: date and season words, seen from the day of posting."""

import re
from collections.abc import Iterator
from datetime import date, timedelta

Window = tuple[date, date]

_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november")
MONTHS = {name: number for number, name in enumerate((*_MONTHS, "december"), start=1)}
_SEASONS = {"spring": (3, 5), "summer": (6, 8), "autumn": (9, 11), "fall": (9, 11), "winter": (12, 2)}
_SMALL = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8}
_SMALL |= {"nine": 9, "ten": 10, "eleven": 11, "twelve": 12}
_UNIT_DAYS = {"day": 1.0, "week": 7.0, "month": 30.4, "year": 365.0}
_DATE = re.compile(
    r"(?:(?P<day>\d{1,2})(?:st|nd|rd|th)?(?: of)? )?\b(?P<month>"
    + "|".join(MONTHS)
    + r")\b(?: (?P<day2>\d{1,2})(?:st|nd|rd|th)?\b)?(?:,? (?P<year>20\d\d))?"
)
_PREPOSITION = re.compile(r"\b(?:in|of|since|last|until|from|by|early|late|mid-?|this|every|between) ?$")
_SEASON = re.compile(r"\b(?:in|last|this|since|the) (?:early |late )?(spring|summer|autumn|fall|winter)\b")
_AGO = re.compile(r"\b(an?|" + "|".join(list(_SMALL)[2:]) + r"|\d{1,2}) (day|week|month|year)s? (ago|on|later)\b")
# A report with no date words tells of something that has just happened.
FRESH_DAYS = 10


def _month_end(year: int, month: int) -> date:
    return date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)


def _dates(text: str, posted: date) -> Iterator[Window]:
    for match in _DATE.finditer(text):
        name, day = match["month"], match["day"] or match["day2"]
        bare = not (day or match["year"])
        # "may" and "march" are verbs too.
        if bare and name in ("may", "march") and not _PREPOSITION.search(text[: match.start()]):
            continue
        month = MONTHS[name]
        year = int(match["year"]) if match["year"] else posted.year - (month > posted.month)
        try:
            start = date(year, month, int(day) if day else 1)
        except ValueError:
            continue
        yield start, start if day else _month_end(year, month)


def _seasons(text: str, posted: date) -> Iterator[Window]:
    for match in _SEASON.finditer(text):
        first, last = _SEASONS[match[1]]
        year = posted.year - (first > posted.month)
        yield date(year, first, 1), _month_end(year + (last < first), last)


def _distances(text: str, posted: date) -> Iterator[Window]:
    for match in _AGO.finditer(text):
        count, unit = match[1], match[2]
        if match[3] != "ago" and unit in ("day", "week"):
            continue
        days = (_SMALL.get(count) or int(count)) * _UNIT_DAYS[unit]
        middle, slack = posted - timedelta(days=int(days)), timedelta(days=int(_UNIT_DAYS[unit] / 2) + 1)
        yield middle - slack, middle + slack


def event_windows(text: str, posted: date) -> tuple[list[Window], bool]:
    """Return the spans of days in which the told event may lie, and whether the text itself places it in the past.

    Dates after the day of posting are dropped; with no past date the last `FRESH_DAYS` days are one of the spans.
    """
    lowered = text.lower()
    told = [
        (start, min(end, posted))
        for source in (_dates, _seasons, _distances)
        for start, end in source(lowered, posted)
        if start <= posted
    ]
    past = any((posted - end).days > FRESH_DAYS for _, end in told)
    return (told if past else [*told, (posted - timedelta(days=FRESH_DAYS), posted)]), past


def days_between(left: list[Window], right: list[Window]) -> int:
    """Return the smallest number of days between any two of the spans, 0 where they overlap."""
    return min(max((a[0] - b[1]).days, (b[0] - a[1]).days, 0) for a in left for b in right)
