"""Posts are hostile: whatever they hold is shown as text."""

from html.parser import HTMLParser

import pytest

from warehouse.present.inert import csv_cell, highlighted, inert, link, safe_url, visible

TRICKS = (
    "<script>alert(1)</script>",
    "<img src=https://beacon.example/x.png>",
    '" onmouseover="alert(1)',
    "[click](javascript:alert(1))",
    "![beacon](https://beacon.example/x.png)",
    "**bold** _it_ `code` # head\n> quote | table",
    "&lt;b&gt; &amp;",
    "$\\href{x}{y}$ :red[text] :material/home:",
)


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("trick", TRICKS)
def test_markup_is_shown_not_obeyed(trick: str) -> None:
    shown = inert(trick)
    read = _Tags()
    read.feed(shown)
    read.close()
    assert read.tags == []
    assert read.text == visible(trick)
    # Nothing that opens Markdown or an attribute is left as a bare character.
    assert set("<>[]()*_`!\"'$:|\\").isdisjoint(shown)


def test_hidden_characters_are_dropped() -> None:
    assert visible("safe\u202eexe.txt\u202c") == "safeexe.txt"
    assert visible("a\u200bb\u200dc\ufeffd\u2066e\u00adf") == "abcdef"
    assert visible("tag\U000e0041\x00\x1b[31m") == "tag[31m"
    assert visible("line\none\ttwo") == "line one two"
    assert visible("Z" + "\u0301" * 50) == "Z" + "\u0301" * 3
    assert visible("مرحبا 你好 naïve 🙂") == "مرحبا 你好 naïve 🙂"


@pytest.mark.parametrize(
    "url",
    (
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " java\nscript:alert(1)",
        "data:text/html,<script>",
        "vbscript:x",
        "file:///etc/passwd",
        "//evil.example/x",
        "/relative",
        "https://",
        "https://github.com@evil.example/x",
        "https://git\u200bhub.com/x",
        "https://exa mple.org/",
        "https://example.org:port/",
        "https://<b>.example/",
        "",
        None,
    ),
)
def test_only_plain_web_addresses_are_linked(url: str | None) -> None:
    assert safe_url(url) is None
    assert "<a" not in link(url)


def test_addresses_are_escaped_for_attributes() -> None:
    assert safe_url("https://github.com/o/r/issues/12?a=b#c") == "https://github.com/o/r/issues/12?a=b#c"
    assert safe_url('http://example.org/"><script>') == "http://example.org/%22%3E%3Cscript%3E"
    # A look-alike host is shown for what it is.
    assert safe_url("https://gіthub.com/x") == "https://xn--gthub-n2e.com/x"
    shown = link('https://www.example.org/a"b?x=1&y=2')
    assert shown.startswith('<a href="https://www.example.org/a%22b?x=1&amp;y=2" rel="noopener noreferrer nofollow">')
    assert shown.endswith(">example&#46;org&#47;a&#37;22b</a>")


def test_highlights_keep_their_place_whatever_the_text_holds() -> None:
    text = "<b>\u202eit deleted <i>all</i>"
    start = text.index("deleted")
    assert highlighted(text, [(start, start + 7)]).count("<mark>deleted</mark>") == 1
    assert highlighted("abcdef", [(0, 3), (2, 4), (5, 99), (4, 4)]) == "<mark>abcd</mark>e<mark>f</mark>"
    assert highlighted("abc", []) == "abc"


def test_cells_are_no_formulas() -> None:
    assert csv_cell("=cmd|' /C calc'!A0") == "'=cmd|' /C calc'!A0"
    assert [csv_cell(value) for value in ("+1", "-1", "@x")] == ["'+1", "'-1", "'@x"]
    assert (csv_cell(-5), csv_cell("plain")) == (-5, "plain")
