"""HTML of the pages: tables, banners and cases. Whatever came from outside goes through `inert` or `link` here."""
# ruff: noqa: RUF001 - printed text keeps its typography: en dash, apostrophe, multiplication sign.

from collections.abc import Mapping, Sequence
from typing import Any, Final

from warehouse.present.cases import Case
from warehouse.present.charts import NAMES
from warehouse.present.inert import highlighted, inert, link
from warehouse.schema import codes

LINKS_SHOWN: Final = 4

# One column of text, quiet rules, nothing that needs colour to be read; sizes in rem so that zoom works.
STYLE: Final = """<style>
.stMainBlockContainer { max-width: 47rem; padding-top: 2.2rem; padding-bottom: 4rem; }
.stVegaLiteChart svg { max-width: 100%; height: auto; }
.stVegaLiteChart svg .role-mark text, .stVegaLiteChart svg .role-title-subtitle text { fill: currentColor; }
.os-kicker { font-size: .8rem; letter-spacing: .06em; text-transform: uppercase; opacity: .75; margin: 0; }
.os-lead { font-size: 1.2rem; line-height: 1.5; margin: 0 0 .4rem; }
.os-text { line-height: 1.55; margin: 0; }
.os-note { font-size: .875rem; line-height: 1.5; opacity: .82; margin: .1rem 0 .4rem; }
.os-banner { border-left: 4px solid #c77700; padding: .55rem .9rem; background: rgba(199, 119, 0, .09);
  margin: .3rem 0 .6rem; line-height: 1.5; }
.os-banner b { display: block; }
.os-figures { display: flex; flex-wrap: wrap; gap: 1rem 1.5rem; margin: .4rem 0 .6rem; padding: 0 !important;
  border-top: 2px solid currentColor; }
.os-figures > div { flex: 1 1 11rem; padding-top: .55rem; }
.os-figures dt, .os-figures dd { padding: 0; margin: 0 !important; }
.os-figures dt { font-size: .8rem; opacity: .82; }
.os-figures dd { font-size: .8rem; line-height: 1.45; opacity: .82; }
.os-figures dd.os-big { font-size: 1.85rem; font-weight: 600; line-height: 1.25; opacity: 1; }
.os-scroll { overflow-x: auto; max-width: 100%; }
.os-table { border-collapse: collapse; width: 100%; font-size: .875rem; line-height: 1.4; }
.os-table th, .os-table td { padding: .32rem .7rem .32rem 0; vertical-align: top; text-align: left;
  border-bottom: 1px solid rgba(128, 128, 128, .3); }
.os-table thead th { font-weight: 600; border-bottom-color: rgba(128, 128, 128, .7); }
.os-table tbody th { font-weight: 400; }
.os-table small { display: block; opacity: .78; }
.os-table .os-n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.os-table tr.os-total > * { font-weight: 600; border-bottom: 0; }
ol.os-cases { list-style: none; margin: 0; padding: 0 !important; }
.os-cases > li { border-top: 1px solid rgba(128, 128, 128, .35); padding: .8rem 0 .7rem; margin: 0 !important; }
.os-cases h3 { font-size: 1.05rem; margin: 0; padding: 0; line-height: 1.35; }
.os-cases p { margin: .15rem 0; font-size: .875rem; line-height: 1.5; overflow-wrap: anywhere; }
.os-cases a, .os-text a { color: inherit; text-decoration: underline; }
.os-meta { opacity: .82; }
.os-cases blockquote { margin: .4rem 0; padding: .05rem 0 .05rem .8rem; font-size: .92rem; line-height: 1.5;
  border-left: 3px solid rgba(128, 128, 128, .45); overflow-wrap: anywhere; }
.os-cases mark { background: rgba(255, 190, 40, .38); color: inherit; padding: 0 .1em; border-radius: 2px; }
</style>"""


def lead(text: str) -> str:
    """Return the answer as the page's first sentence."""
    return f'<p class="os-lead">{inert(text)}</p>'


def paragraph(text: str, *, source: str | None = None) -> str:
    """Return running text, with a link to its source where there is one."""
    return f'<p class="os-text">{inert(text)}{f" {link(source)}" if source else ""}</p>'


def note(text: str) -> str:
    """Return small print."""
    return f'<p class="os-note">{inert(text)}</p>'


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


def table(rows: Sequence[Mapping[str, Any]], name: str, *, total: bool = False) -> str:
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
        f'<div class="os-scroll" tabindex="0" role="region" aria-label="{inert(name)}"><table class="os-table">'
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


def cases(found: Sequence[Case]) -> str:
    """Return the strongest cases as a list: number, title, facts, evidence spans, links."""
    return f'<ol class="os-cases">{"".join(_case(case) for case in found)}</ol>'


def _case(case: Case) -> str:
    agents = ", ".join(case.agents) or "agent not named"
    kinds = ", ".join(NAMES.get(code, code).lower() for code in case.behaviours) or "none of the four behaviours marked"
    date = case.date or "date unknown"
    evidence = f"evidence {case.evidence} of 4 ({codes.EVIDENCE.get(str(case.evidence), 'not stated')})"
    quotes = "".join(f"<blockquote><bdi>{highlighted(text, spans)}</bdi></blockquote>" for text, spans in case.excerpts)
    if not quotes:
        quotes = '<p class="os-meta">No excerpt: the platform’s terms, or our rules, leave only the link.</p>'
    links = [link(url) for url in case.links[:LINKS_SHOWN]]
    more = f" and {len(case.links) - LINKS_SHOWN} more" if len(case.links) > LINKS_SHOWN else ""
    return (
        f"<li><h3>№ {case.incident} · {inert(case.title)}</h3>"
        f'<p class="os-meta">{inert(f"{date} · {agents} · {kinds} · {evidence} · status: {case.status}")}</p>'
        f"{quotes}<p>{inert(_reports(case.reports))}: {', '.join(links) or 'no public address'}{more}</p></li>"
    )


def _reports(number: int) -> str:
    return "1 report" if number == 1 else f"{number:,} reports"
