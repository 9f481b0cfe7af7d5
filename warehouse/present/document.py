"""A page as a list of blocks, written as HTML or Markdown: the brief and the static site are made of these.

Every text is plain and is made inert when it is written; the only markup is ours. No script, nothing from outside.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from warehouse.present.charts import Figure
from warehouse.present.inert import highlighted, inert, link, safe_url, visible


@dataclass(frozen=True)
class Heading:
    """A title of a level, 1 to 3."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Paragraph:
    """Running text; `role` is "text", "lead", "note" or "banner"; links to its sources follow it."""

    text: str
    role: str = "text"
    links: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bullets:
    """A list of short texts."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Quote:
    """Somebody else's words, with the character ranges that made them count."""

    text: str
    spans: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Table:
    """Rows under a name; the first column heads its row. A cell (`text`, `address`) is a link within the site."""

    name: str
    rows: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Picture:
    """A chart with its caption; it is written beside the page as `<name>.svg` and `.png`."""

    figure: Figure
    caption: str


@dataclass(frozen=True)
class Links:
    """Links within the site or to a file beside the page: words and relative address."""

    items: tuple[tuple[str, str], ...]


Block = Heading | Paragraph | Bullets | Quote | Table | Picture | Links

STYLE: Final = """
:root { color-scheme: light dark; --ink: #1b1f24; --ground: #fff; --quiet: #57606a; --rule: #d0d7de; --link: #0b57a4;
  --mark: #ffe9a8; --warn: #c77700; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ec; --ground: #14171a; --quiet: #a3abb3; --rule: #3a4148;
  --link: #86b9f0; --mark: #5a4a12; --warn: #e0a040; } }
body { font: 1rem/1.55 system-ui, "Liberation Sans", sans-serif; color: var(--ink); background: var(--ground);
  max-width: 46rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: .4rem 0 .6rem; }
h2 { font-size: 1.25rem; margin: 2rem 0 .4rem; border-top: 1px solid var(--rule); padding-top: .8rem; }
h3 { font-size: 1.05rem; margin: 1.2rem 0 .2rem; }
p, li, blockquote { overflow-wrap: anywhere; }
td, th { overflow-wrap: break-word; }
p { margin: .4rem 0; }
.lead { font-size: 1.2rem; }
.note, figcaption, small { font-size: .875rem; color: var(--quiet); }
.banner { border-left: 4px solid var(--warn); padding: .3rem .9rem; }
a { color: var(--link); }
blockquote { margin: .5rem 0; padding: 0 0 0 .8rem; border-left: 3px solid var(--rule); }
mark { background: var(--mark); color: inherit; }
figure { margin: 1rem 0; background: #fff; color: #1b1f24; padding: .6rem; border-radius: 4px; }
figure figcaption { color: #57606a; }
figure img { max-width: 100%; height: auto; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .7rem .3rem 0; border-bottom: 1px solid var(--rule); }
tbody th { font-weight: 400; }
.n { text-align: right; font-variant-numeric: tabular-nums; }
nav a { margin-right: 1rem; }
@media print { body { max-width: none; padding: 0; font-size: .85rem; } h2 { margin-top: 1rem; } }
"""
# Nothing is loaded but the page's own pictures, even if a hostile text got through.
_POLICY: Final = (
    "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)
_MARKUP = re.compile(r"[\\`*_\[\]<>|~&@]|:(?=//)|(?<=www)\.|^[#+=-]")
_NUMBERED = re.compile(r"^(\d+)([.)])")
_PLAIN: Final = re.compile(r"[A-Za-z0-9./_#-]+")


def to_html(title: str, blocks: Sequence[Block], *, pictures: str = "", head: str = "") -> str:
    """Return a whole HTML page in one column.

    Args:
        title: the page's title.
        blocks: what stands on it.
        pictures: prefix of the addresses of its pictures.
        head: further elements of the head, ours: feeds, redirects.
    """
    body = "\n".join(_html(block, pictures) for block in blocks)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<title>{inert(title)}</title>{head}<style>{STYLE}</style></head>\n<body><main>\n{body}\n</main></body></html>\n"
    )


def to_markdown(blocks: Sequence[Block], *, pictures: str = "") -> str:
    """Return the same page as Markdown (CommonMark with tables)."""
    return "\n\n".join(_markdown(block, pictures) for block in blocks) + "\n"


def write(folder: Path, stem: str, title: str, blocks: Sequence[Block]) -> list[Path]:
    """Write a page as HTML and Markdown, and its charts as SVG, PNG and CSV beside it; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    content: dict[str, bytes] = {
        f"{stem}.html": to_html(title, blocks, pictures=f"{stem}-").encode(),
        f"{stem}.md": to_markdown(blocks, pictures=f"{stem}-").encode(),
    }
    for block in blocks:
        if isinstance(block, Picture):
            figure = block.figure
            content[f"{stem}-{figure.name}.svg"] = figure.svg().encode()
            content[f"{stem}-{figure.name}.png"] = figure.png()
            content[f"{stem}-{figure.name}.csv"] = figure.csv().encode()
    for name, data in content.items():
        (folder / name).write_bytes(data)
    return [folder / name for name in content]


def texts(blocks: Sequence[Block]) -> list[str]:
    """Return every sentence that is ours: what the rules of wording are checked on."""
    found: list[str] = []
    for block in blocks:
        if isinstance(block, Heading | Paragraph):
            found.append(block.text)
        elif isinstance(block, Bullets):
            found += block.items
        elif isinstance(block, Picture):
            found.append(block.caption)
    return found


def _html(block: Block, pictures: str) -> str:
    match block:
        case Heading(text, level):
            return f"<h{level}>{inert(text)}</h{level}>"
        case Paragraph(text, role, links):
            sources = f" {', '.join(link(url) for url in links)}" if links else ""
            return f'<p class="{role}"{" role=note" if role == "banner" else ""}>{inert(text)}{sources}</p>'
        case Bullets(items):
            return f"<ul>{''.join(f'<li>{inert(item)}</li>' for item in items)}</ul>"
        case Quote(text, spans):
            return f"<blockquote><bdi>{highlighted(text, spans)}</bdi></blockquote>"
        case Table(name, rows):
            return _html_table(name, rows)
        case Picture(figure, caption):
            return (
                f'<figure><img src="{_local(pictures + figure.name)}.svg" alt="{inert(figure.description)}">'
                f"<figcaption>{inert(caption)}</figcaption></figure>"
            )
        case Links(items):
            return f"<nav>{' '.join(_anchor(words, address) for words, address in items)}</nav>"


def _html_table(name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return '<p class="note">Nothing to show.</p>'
    heads = list(rows[0])
    numeric = {head for head in heads[1:] if all(isinstance(row[head], int | float | None) for row in rows)}
    top = "".join(f'<th scope="col"{_right(head in numeric)}>{inert(head)}</th>' for head in heads)
    body = ""
    for row in rows:
        cells = "".join(f"<td{_right(head in numeric)}>{_html_cell(row[head])}</td>" for head in heads[1:])
        body += f'<tr><th scope="row">{_html_cell(row[heads[0]])}</th>{cells}</tr>'
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{inert(name)}">'
        f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _right(numeric: bool) -> str:
    return ' class="n"' if numeric else ""


def _html_cell(value: object) -> str:
    if isinstance(value, tuple):
        return _anchor(*value)
    return inert(_cell(value))


def _anchor(words: str, address: str) -> str:
    return f'<a href="{_local(address)}">{inert(words)}</a>'


def _local(address: str) -> str:
    """Return an address within the site, made by us; anything else is a programming error."""
    if not _PLAIN.fullmatch(address):
        msg = f"not an address within the site: {address!r}"
        raise ValueError(msg)
    return address


def _cell(value: object) -> str:
    if value is None:
        return "–"  # noqa: RUF001 - a dash for "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.2f}"
    return str(value)


def _markdown(block: Block, pictures: str) -> str:
    match block:
        case Heading(text, level):
            return f"{'#' * level} {_escaped(text)}"
        case Paragraph(text, role, links):
            sources = [f"<{address}>" for url in links if (address := safe_url(url))]
            told = _escaped(text)
            told = f"> {told}" if role == "banner" else f"**{told}**" if role == "lead" else told
            return " ".join((told, *sources))
        case Bullets(items):
            return "\n".join(f"- {_escaped(item)}" for item in items)
        case Quote(text, _):
            return f"> {_escaped(text)}"
        case Table(_, rows):
            return _markdown_table(rows)
        case Picture(figure, caption):
            return f"![{_escaped(figure.description)}]({_local(pictures + figure.name)}.png)\n\n*{_escaped(caption)}*"
        case Links(items):
            return " · ".join(f"[{_escaped(words)}]({_local(address)})" for words, address in items)


def _markdown_table(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return "Nothing to show."
    heads = list(rows[0])
    lines = [" | ".join(_escaped(head) for head in heads), " | ".join("---" for _ in heads)]
    for row in rows:
        cells = []
        for head in heads:
            value = row[head]
            cells.append(
                f"[{_escaped(value[0])}]({_local(value[1])})" if isinstance(value, tuple) else _escaped(_cell(value))
            )
        lines.append(" | ".join(cells))
    return "\n".join(f"| {line} |" for line in lines)


def _escaped(text: str) -> str:
    """Return text that Markdown shows as written, on one line; an address in it is not made a link."""
    return _NUMBERED.sub(r"\1\\\2", _MARKUP.sub(lambda found: "\\" + found[0], visible(text)))
