"""Reviewing in a terminal: one key a decision, every one synced to the file before the next question is shown."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text as Styled

from warehouse.present.inert import lines, runs, visible
from warehouse.review.decisions import Decision, append, undo
from warehouse.review.items import Item, Text

SHOWN: Final = 2_500
"""Characters of a text that are shown at once; `t` shows all of it."""
_MORE: Final = {
    "b": ("behaviours", "m misrepresentation, s shutdown tampering, a alignment faking, x exfiltration; enter: none"),
    "e": ("evidence", "0 to 4"),
    "g": ("gravity", "0 to 4"),
    "c": ("score", "0 to 9"),
}
_BEHAVIOURS: Final = {
    "m": "strategic_misrepresentation",
    "s": "shutdown_tampering",
    "a": "alignment_faking",
    "x": "model_exfiltration",
}


@dataclass
class Session:
    """One sitting: who reviews, where decisions go, how keys and lines are read."""

    console: Console
    path: Path
    reviewer: str
    key: Callable[[], str]
    line: Callable[[str], str]
    made: list[tuple[list[Decision], int]] = field(default_factory=list)
    """What was stored, and how far each moved in the queue."""
    told: set[str] = field(default_factory=set)
    """Questions whose keys have been told."""

    def run(self, queue: Sequence[Item]) -> int:
        """Ask one question after the other until the queue ends or `q`; return how many were answered."""
        at = 0
        while at < len(queue):
            self._show(queue[at], f"{at + 1} of {len(queue)}")
            step = self._answered(queue[at])
            if step is None:
                break
            at = max(at + step, 0)
        answered = sum(step for _, step in self.made)
        self.console.print(f"{answered} answered; they count from the next ingest or publish on.")
        return answered

    def _answered(self, item: Item) -> int | None:
        """Read keys until the question is done; return how far to move in the queue, None to stop."""
        while True:
            key = self.key()
            if key in {"", "q", "\x03", "\x04"}:
                return None
            if key == "s":
                return 1
            if key == "?":
                self._keys(item)
            elif key == "t":
                self._text(item.shown, whole=True)
            elif key == "u":
                if not self.made:
                    self.console.print("nothing to undo in this sitting")
                    continue
                taken, step = self.made.pop()
                append(self.path, [undo(one, reviewer=self.reviewer) for one in taken])
                self.console.print(f"taken back: {', '.join(one.decision for one in taken)} of {taken[0].review_of}")
                if step:
                    return -step
            elif item.question == "label" and key in _MORE:
                self._field(item, key)
            elif key in item.keys:
                decided = item.answer(key, reviewer=self.reviewer)
                append(self.path, decided)
                self.made.append((decided, 1))
                return 1

    def _field(self, item: Item, key: str) -> None:
        """Decide one more field of the label; the question stays."""
        name, hint = _MORE[key]
        given = self.line(f"{name} ({hint})").strip()
        value = [_BEHAVIOURS.get(letter, letter) for letter in given.lower()] if name == "behaviours" else given
        try:
            decided = item.decided(name, value, reviewer=self.reviewer)
        except ValueError as error:
            self.console.print(f"not stored: {error}")
            return
        append(self.path, [decided])
        self.made.append(([decided], 0))
        self.console.print(f"stored: {name}")

    def _show(self, item: Item, place: str) -> None:
        self.console.rule(f"{place} · {item.question} · {', '.join(item.reasons)}", align="left")
        for text in (item.shown, item.other):
            if text is not None:
                self._text(text, whole=False)
        if item.label:
            self.console.print(Styled(told(item)))
        if item.question not in self.told:
            self._keys(item)
        self.console.print(Styled(f"{' '.join(item.keys)} answer, s skip, u undo, t whole text, ? keys, q quit", "dim"))

    def _keys(self, item: Item) -> None:
        self.told.add(item.question)
        more = {key: f"{name}: {hint}" for key, (name, hint) in _MORE.items()} if item.question == "label" else {}
        for key, meaning in {**item.keys, **more}.items():
            self.console.print(Styled(f"  {key} {meaning}", style="dim"))

    def _text(self, text: Text, *, whole: bool) -> None:
        self.console.print(Styled(f"{text.report_id} · {text.published} · {visible(text.url or 'no address')}"))
        self.console.print(marked(text.title, text.ranges("title"), style="bold"))
        cut = len(text.text) if whole else SHOWN
        self.console.print(marked(text.text[:cut], text.ranges("text")))
        if len(text.text) > cut:
            self.console.print(Styled(f"… {len(text.text) - cut:,} more characters: t", style="dim"))


def marked(text: str, spans: Sequence[tuple[int, int]], style: str = "") -> Styled:
    """Return a stranger's text for a terminal: no control characters, line breaks kept, ranges reversed."""
    shown = Styled(style=style)
    for number, (line, inside) in enumerate(lines(text, spans)):
        shown.append("\n" if number else "")
        for piece, is_marked in runs(line, inside):
            shown.append(visible(piece).rstrip() if piece.endswith("\n") else visible(piece), "reverse" * is_marked)
    return shown


def told(item: Item) -> str:
    """Return the label of a question in one line."""
    label = item.label
    strict = "strict" if label["is_strict"] else "not strict"
    found = (
        f"{label['kind']}, {strict}, p {label['p_strict']:.2f}, evidence {label['evidence']}, score {label['score']}"
    )
    for name, words in (("behaviours_present", "tells of"), ("behaviours_unsure", "unsure of")):
        found += f", {words} {' '.join(label[name])}" if label[name] else ""
    return f"{label['instrument']}: {found}" + (
        f" (decided: {', '.join(label['decided'])})" if label["decided"] else ""
    )
