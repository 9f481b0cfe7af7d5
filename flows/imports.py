"""Which reader an imported file needs: posts a line, Reddit dumps, exports of X and Bluesky."""

from collections.abc import Iterator
from pathlib import Path

from flows.sources import cars, dumps, exports, jsonl
from flows.sources.sift import Sift


def pages(path: Path, first: int, sift: Sift) -> Iterator[jsonl.Page]:
    """Yield a file's posts from a place on, in pages; the file's content and name say what it is."""
    if not path.is_file():
        found = jsonl.pages(path, first)
    elif dumps.is_dump(path):
        found = dumps.Reader(sift).pages(path, first)
    elif cars.is_car(path):
        found = cars.pages(path, first)
    elif exports.is_document(path):
        found = exports.pages(path, first)
    else:
        found = jsonl.pages(path, first)
    for page in found:
        page.lines = [post for line in page.lines for post in exports.expanded(line)]
        yield page
