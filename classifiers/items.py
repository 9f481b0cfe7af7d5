"""Gold files: labelled items, with or without their texts, read with errors that name the line."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from warehouse.schema.models import Action, Behaviour, Kind, LabelLine, Post

_Row = TypeVar("_Row", bound=BaseModel)


class GoldError(ValueError):
    """A gold file cannot be used; the message names the file and the line."""


class GoldItem(BaseModel):
    """One labelled item. A field that is None was not annotated and takes no part in its figures."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    source: str = ""
    url: str | None = None
    stratum: str | None = None
    title: str | None = None
    text: str | None = None
    lang: str | None = None
    kind: Kind | None = None
    behaviours: list[Behaviour] | None = None
    behaviours_unsure: list[Behaviour] = []
    actions: list[Action] | None = None
    actions_unsure: list[Action] = []
    evidence: int | None = Field(default=None, ge=0, le=4)
    gravity: int | None = Field(default=None, ge=0, le=4)
    score: int | None = Field(default=None, ge=0, le=9)
    agent: list[str] | None = None
    gold: Literal["positive", "negative", "grey"] | None = None
    annotators: int | None = None
    shippable: bool = False
    inclusion_p: Annotated[float, Field(gt=0, le=1)] | None = None
    prediction: LabelLine | None = None

    @property
    def post(self) -> Post:
        """The item as an instrument reads it."""
        title = self.title or ""
        return Post(
            id=self.id, source=self.source, title=title, text=strip_title(title, self.text or ""), lang=self.lang
        )

    @property
    def has_text(self) -> bool:
        """Whether there is anything to read."""
        return bool((self.title or "").strip() or (self.text or "").strip())


def strip_title(title: str, text: str) -> str:
    """Return `text` without a title that it begins with, so that no word is counted twice."""
    head = title.strip()
    body = text.lstrip()
    if not head or not body.startswith(head):
        return text
    rest = body[len(head) :]
    # A title that only happens to be the first half of a word or sentence is no repeated title.
    if rest and rest[0].isalnum():
        return text
    return rest.lstrip(" \t\r\n.:|\u2013\u2014-")


def read_gold(path: Path) -> list[GoldItem]:
    """Read a gold file (JSON lines); raise `GoldError` naming the first line that cannot be used."""
    items = [_item(path, number, data) for number, data in _objects(path)]
    seen: dict[str, int] = {}
    for number, item in enumerate(items, 1):
        if item.id in seen:
            msg = f"{path}: item {number}: id {item.id!r} was already given by item {seen[item.id]}"
            raise GoldError(msg)
        seen[item.id] = number
    if not items:
        msg = f"{path}: no items"
        raise GoldError(msg)
    return items


def _objects(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        lines = path.read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path}: cannot be read: {error}"
        raise GoldError(msg) from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            data = json.loads(line)
        except json.JSONDecodeError as error:
            msg = f"{path}: line {number}: not JSON: {error}"
            raise GoldError(msg) from error
        if not isinstance(data, dict):
            msg = f"{path}: line {number}: expected an object, found {type(data).__name__}"
            raise GoldError(msg)
        yield number, data


def _checked(model: type[_Row], path: Path, number: int, data: dict[str, Any]) -> _Row:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        msg = f"{path}: line {number}: {where}: {first['msg']}"
        raise GoldError(msg) from error


def _item(path: Path, number: int, data: dict[str, Any]) -> GoldItem:
    item = _checked(GoldItem, path, number, data)
    if item.gold is None and item.kind is not None and item.score is not None:
        return item.model_copy(update={"gold": gold_of(item.kind, item.score)})
    return item


def gold_of(kind: str, score: int) -> Literal["positive", "negative", "grey"]:
    """Return the codebook's reading of one annotator: strict positive, negative, or the grey between."""
    if kind in ("first_hand", "second_hand"):
        return "positive" if score >= 5 else "grey"
    return "negative" if score <= 3 else "grey"


def read_lines(path: Path) -> list[LabelLine]:
    """Read label lines (JSON lines); raise `GoldError` naming the first that cannot be used."""
    return [_checked(LabelLine, path, number, data) for number, data in _objects(path)]


def predictions(items: Sequence[GoldItem]) -> list[LabelLine]:
    """Return the predictions stored beside the labels; raise `GoldError` naming an item without one."""
    lines = []
    for item in items:
        if item.prediction is None:
            msg = f"item {item.id!r} holds no prediction"
            raise GoldError(msg)
        lines.append(item.prediction)
    return lines
