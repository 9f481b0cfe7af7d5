"""HTML of the pages: tables, banners and cases. Whatever came from outside goes through `inert` or `link` here."""
# ruff: noqa: RUF001 - printed text keeps its typography: en dash, apostrophe, multiplication sign.

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from warehouse.present.cases import Case
from warehouse.present.charts import NAMES
from warehouse.present.inert import highlighted, inert, link
from warehouse.schema import codes

LINKS_SHOWN: Final = 4

STYLE: Final = f"<style>{Path(__file__).with_name('style.css').read_text('utf-8')}</style>"


def lead(text: str) -> str:
    """Return the answer as the page's first sentence."""
    return f'<p class="os-lead">{inert(text)}</p>'


def paragraph(text: str, *, source: str | None = None) -> str:
    """Return running text, with a link to its source where there is one."""
    return f'<p class="os-text">{inert(text)}{f" {link(source)}" if source else ""}</p>'


def note(text: str) -> str:
    """Return small print."""
    return f'<p class="os-note">{inert(text)}</p>'


def title(kicker: str, text: str) -> str:
    """Return a page's title that holds words from outside, below a line that says what it is the title of."""
    return f'<p class="os-kicker">{inert(kicker)}</p><h1 class="os-title">{inert(text)}</h1>'


def onward(address: str, text: str) -> str:
    """Return a link to another page of ours."""
    return f'<p class="os-text"><a href="{inert(address)}" target="_self">{inert(text)}</a></p>'


def terms(rows: Iterable[tuple[str, str]]) -> str:
    """Return terms with what is to be said of each."""
    return (
        f'<dl class="os-terms">{"".join(f"<dt>{inert(name)}</dt><dd>{inert(text)}</dd>" for name, text in rows)}</dl>'
    )


def links(name: str, addresses: Sequence[str | None]) -> str:
    """Return a line of links to public addresses, each once."""
    found = [link(address) for address in dict.fromkeys(addresses) if address]
    return f'<p class="os-text os-note">{inert(name)}: {", ".join(found)}</p>' if found else ""


def status(text: str) -> str:
    """Return a line that a screen reader speaks when it changes."""
    return f'<p class="os-status" role="status">{inert(text)}</p>'


def banner(title: str, text: str) -> str:
    """Return a notice that stays in view above the figures it is about."""
    return f'<div class="os-banner" role="note"><b>{inert(title)}</b>{inert(text)}</div>'


def figures(cards: Sequence[tuple[str, str, str]]) -> str:
    """Return figures side by side: what each is, its value, what it rests on; below each other on a phone."""
    shown = "".join(
        f'<div><dt>{inert(name)}</dt><dd class="os-big">{inert(value)}</dd><dd>{inert(basis)}</dd></div>'
        for name, value, basis in cards
    )
    return f'<dl class="os-figures">{shown}</dl>'


def table(rows: Sequence[Mapping[str, Any]], name: str, *, total: bool = False, wide: bool = False) -> str:
    """Return rows as a table; the first column heads its row, numbers stand right, the last row may be a total.

    What follows a line break in a cell is small print. A wide table scrolls in its own frame, also by keyboard.
    """
    if not rows:
        return note("Nothing to show.")
    heads = list(rows[0])
    numeric = {head for head in heads if all(isinstance(row[head], int | float | None) for row in rows)}
    top = "".join(f'<th scope="col"{_class(head in numeric)}>{inert(head)}</th>' for head in heads)
    body = ""
    for row in rows:
        cells = [f"<td{_class(head in numeric)}>{_cell(row[head])}</td>" for head in heads]
        if heads[0] not in numeric:
            cells[0] = f'<th scope="row">{_cell(row[heads[0]])}</th>'
        body += f"<tr{' class=os-total' if total and row is rows[-1] else ''}>{''.join(cells)}</tr>"
    return (
        f'<div class="os-scroll" tabindex="0" role="region" aria-label="{inert(name)}">'
        f'<table class="os-table{" os-wide" if wide else ""}">'
        f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _class(numeric: bool) -> str:
    return ' class="os-n"' if numeric else ""


def _cell(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.2f}"
    first, _, small = str(value).partition("\n")
    return inert(first) + (f"<small>{inert(small)}</small>" if small else "")


def cases(found: Sequence[Case], address: Callable[[int], str]) -> str:
    """Return cases as a list: number and title with a link to their own page, facts, evidence spans, links."""
    return f'<ol class="os-cases">{"".join(_case(case, address(case.incident)) for case in found)}</ol>'


def _case(case: Case, address: str) -> str:
    agents = ", ".join(case.agents) or "agent not named"
    kinds = ", ".join(NAMES.get(code, code).lower() for code in case.behaviours) or "none of the four behaviours marked"
    date = case.date or "date unknown"
    scales = (
        f"evidence {case.evidence} of 4 ({codes.EVIDENCE.get(str(case.evidence), 'not stated')}) · "
        f"gravity {case.gravity} of 4"
    )
    quotes = "".join(f"<blockquote><bdi>{highlighted(text, spans)}</bdi></blockquote>" for text, spans in case.excerpts)
    links = [link(url) for url in case.links[:LINKS_SHOWN]]
    more = f" and {case.reports - len(links):,} more" if 0 < len(links) < case.reports else ""
    return (
        f'<li><h3><a href="{inert(address)}" target="_self">№ {case.incident} · {inert(case.title)}</a></h3>'
        f'<p class="os-meta">{inert(f"{date} · {agents} · {kinds} · {scales} · status: {case.status}")}</p>'
        f"{quotes}<p>{inert(_reports(case.reports))}: {', '.join(links) or 'no public address'}{more}</p></li>"
    )


def _reports(number: int) -> str:
    return "1 report" if number == 1 else f"{number:,} reports"
