"""The reviewers' page: one question at a time, one key a decision. Off unless OFFSCRIPT_REVIEW=1, and behind a token.

It reads the private review file and appends to the file of decisions; texts are shown inert. An audit shows no label.
"""

import hmac
import os
import time
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

import streamlit as st

from app import markup
from warehouse.connect import WarehouseError
from warehouse.present.inert import highlighted, inert, lines, link
from warehouse.review.decisions import Decision, append, decide, decisions_file, read, stored, together, undo
from warehouse.review.file import open_review, review_file
from warehouse.review.items import Item, Text, items, waiting
from warehouse.schema import codes

SHORTEST_TOKEN: Final = 16
TRIES: Final = 5
LOCKED_S: Final = 60.0
READ_S: Final = 0.3
"""Seconds a question must have been shown before an answer to it is taken."""
_LABELS: Final = {
    "a": "Agree",
    "1": "First hand: strict",
    "2": "Second hand: strict",
    "3": "Research",
    "4": "Discussion",
    "5": "Ordinary failure",
    "6": "Human misuse",
    "7": "Other",
    "8": "First hand, thin",
    "9": "Second hand, thin",
}
_ANSWERS: Final = {
    "label": _LABELS,
    "audit": {"y": "Strict positive", "n": "Not one"},
    "pair": {"y": "Same event", "n": "Two events"},
}
_ASKED: Final = {
    "label": "Is this label right?",
    "pair": "Do these two tell one event?",
    "audit": "Is this a strict positive?",
}
_STYLE: Final = """<style>
.os-post { border: 1px solid rgba(128, 128, 128, .35); border-radius: 4px; padding: .7rem .9rem; margin: .3rem 0 .6rem;
  max-height: 32rem; overflow-y: auto; overflow-wrap: anywhere; line-height: 1.5; font-size: .95rem; }
.os-post h3 { font-size: 1.05rem; margin: 0 0 .4rem; padding: 0; line-height: 1.35; }
.os-post p { margin: 0; min-height: .75em; }
.os-post mark { background: rgba(255, 190, 40, .38); color: inherit; padding: 0 .1em; border-radius: 2px; }
</style>"""
# Wrong tokens of the whole process, so that another browser window is no way around the limit.
_WRONG: list[float] = []


def enabled() -> bool:
    """Return whether the operator has turned the page on."""
    return os.environ.get("OFFSCRIPT_REVIEW") == "1"


def admitted(given: str, now: float) -> bool:
    """Return whether a token is the right one, compared in constant time; after five wrong ones none is for a minute.

    No token set, or one shorter than 16 characters, admits nobody.
    """
    token = os.environ.get("OFFSCRIPT_REVIEW_TOKEN", "")
    _WRONG[:] = [at for at in _WRONG if now - at < LOCKED_S]
    right = hmac.compare_digest(given.encode(), token.encode())
    if right and len(token) >= SHORTEST_TOKEN and len(_WRONG) < TRIES:
        return True
    _WRONG.append(now)
    return False


def show(db: Path) -> None:
    """Show the door, or the next question."""
    st.html(_STYLE)
    st.title("Review", anchor=False)
    if len(os.environ.get("OFFSCRIPT_REVIEW_TOKEN", "")) < SHORTEST_TOKEN:
        st.html(markup.lead(f"Set OFFSCRIPT_REVIEW_TOKEN to at least {SHORTEST_TOKEN} characters, and reload."))
    elif "reviewer" not in st.session_state:
        _door()
    else:
        _desk(db, st.session_state["reviewer"])


def _door() -> None:
    with st.form("door"):
        name = st.text_input("Your short name; it stands beside your decisions and is published", max_chars=32)
        token = st.text_input("Token", type="password")
        sent = st.form_submit_button("Begin")
    if not sent:
        return
    if not admitted(token, time.monotonic()):
        st.error("That is not the token. After five wrong tries none is taken for a minute.")
        return
    try:
        decide("x", "same", "y", reviewer=name)
    except ValueError as error:
        st.error(inert(str(error)))
        return
    st.session_state["reviewer"] = name
    st.rerun()


@lru_cache(maxsize=2)
def _held(db: Path, changed: int) -> tuple[list[Item], list[Decision]]:
    """Return the queue and the decisions merged so far; read again once the file was replaced."""
    with open_review(db) as con:
        return items(con), stored(con)


def _desk(db: Path, reviewer: str) -> None:
    try:
        changed = review_file(db).stat().st_mtime_ns
        queue, merged = _held(db, changed)
    except (OSError, WarehouseError):
        st.html(markup.lead("There is no queue yet: it is written at every publish."))
        st.code(f"offscript publish --db {db}", language="shell")
        return
    # Buttons, not radio buttons: while one of those has the focus the page's keys are not heard.
    kinds = ["Most informative", "Random audit"]
    audit = st.segmented_control("Questions", kinds, default=kinds[0], required=True) == kinds[1]
    path = decisions_file(db)
    decisions = together(merged, read(path)[0])
    # Skipped ones come last, in the order they were skipped.
    skipped = {name: at for at, name in enumerate(st.session_state.setdefault("skipped", []))}
    left = [item for item in waiting(queue, decisions, reviewer) if (item.question == "audit") == audit]
    left.sort(key=lambda item: skipped.get(item.name, -1))
    mine = sum(step for _, step in st.session_state.setdefault("made", []))
    st.html(markup.note(f"{len(left)} wait for you, {mine} answered in this sitting as {reviewer}."))
    if left:
        _question(left[0], path, reviewer)
    else:
        st.html(markup.lead("Nothing waits for you. The queue is made anew at every publish."))
        _asking(())
        _undo_button(path, reviewer)


def _question(item: Item, path: Path, reviewer: str) -> None:
    _asking(item.name)
    st.subheader(_ASKED[item.question], anchor=False)
    st.html(markup.note("; ".join(item.reasons)))
    for text in (item.shown, item.other):
        if text is not None:
            st.html(post(text))
    if item.label:
        st.html(markup.note(_label(item)))
    name = " ".join(item.name)
    with st.container(horizontal=True):
        for key, words in _ANSWERS[item.question].items():
            st.button(
                words,
                key=f"{key} {name}",
                shortcut=key,
                on_click=_answer,
                args=(item, key, path, reviewer),
                type="primary" if key in {"a", "y"} else "secondary",
            )
    with st.container(horizontal=True):
        st.button("Skip", key=f"skip {name}", shortcut="s", on_click=_skip, args=(item,))
        _undo_button(path, reviewer)
    if item.question == "label":
        _more(item, path, reviewer, name)


def _asking(name: tuple[str, ...]) -> None:
    """Note which question is shown, and since when."""
    if (st.session_state.get("asked") or (None,))[0] != name:
        st.session_state["asked"] = (name, time.monotonic())


def _taken(item: Item | None) -> bool:
    """Return whether a key counts, once: the question is the one shown, and was shown long enough to be read.

    While the next question is drawn, the buttons of the one before still take keys, and a key struck twice reaches
    both: such strikes do nothing.
    """
    name, since = st.session_state.get("asked") or (None, 0.0)
    if item is not None and (name != item.name or time.monotonic() - since < READ_S):
        return False
    if item is None and name is None:
        return False
    st.session_state["asked"] = None
    return True


def _answer(item: Item, key: str, path: Path, reviewer: str) -> None:
    if _taken(item):
        made = item.answer(key, reviewer=reviewer)
        append(path, made)
        st.session_state["made"].append((made, 1))


def _skip(item: Item) -> None:
    if _taken(item):
        st.session_state["skipped"].append(item.name)


def _undo_button(path: Path, reviewer: str) -> None:
    made = st.session_state["made"]
    st.button("Undo", shortcut="u", disabled=not made, on_click=_undo, args=(path, reviewer), key=f"undo {len(made)}")


def _undo(path: Path, reviewer: str) -> None:
    made = st.session_state["made"]
    if made and _taken(None):
        append(path, [undo(one, reviewer=reviewer) for one in made.pop()[0]])


def _more(item: Item, path: Path, reviewer: str, name: str) -> None:
    """Offer the other fields of the label; the question stays open."""
    with st.expander("Behaviours, actions, evidence, gravity, score"), st.form(f"more {name}"):
        values: dict[str, str | Sequence[str] | None] = {
            "behaviours": st.multiselect("Behaviours", list(codes.BEHAVIOUR), item.label["behaviours_present"] or []),
            "actions": st.multiselect("Actions", list(codes.ACTION), item.label["actions"] or []),
        }
        for field, highest in (("evidence", 4), ("gravity", 4), ("score", 9)):
            values[field] = str(st.slider(field.capitalize(), 0, highest, item.label[field] or 0))
        reason = st.text_input("Why (kept private)", max_chars=2000)
        if st.form_submit_button("Store what differs"):
            made = [
                item.decided(field, value, reviewer=reviewer, reason=reason or None)
                for field, value in values.items()
                if value is not None and not _as_it_stands(item, field, value)
            ]
            append(path, made)
            if made:
                st.session_state["made"].append((made, 0))
            st.html(markup.note(f"stored: {', '.join(one.decision for one in made) or 'nothing differs'}"))


def _as_it_stands(item: Item, field: str, value: str | Sequence[str]) -> bool:
    held = item.label["behaviours_present" if field == "behaviours" else field]
    return sorted(held or []) == sorted(value) if not isinstance(value, str) else str(held or 0) == value


def post(text: Text) -> str:
    """Return a stranger's post as inert HTML: where it stood, title, every line, what was found marked."""
    body = "".join(f"<p>{highlighted(line, spans)}</p>" for line, spans in lines(text.text, text.ranges("text")))
    title = highlighted(text.title, text.ranges("title"))
    where = inert(f"{text.platform} · {text.published} · ")
    return (
        f'<div class="os-post" tabindex="0" role="region" aria-label="Post {inert(text.report_id)}">'
        f'<p class="os-note">{where}{link(text.url)}</p><h3><bdi>{title}</bdi></h3>'
        f"<bdi>{body}</bdi></div>"
    )


def _label(item: Item) -> str:
    label = item.label
    strict = "strict" if label["is_strict"] else "not strict"
    parts = [f"{label['kind'].replace('_', ' ')}, {strict}, p {label['p_strict']:.2f}"]
    parts += [f"evidence {label['evidence']}, gravity {label['gravity']}, score {label['score']}"]
    for name, words in (("behaviours_present", "tells of"), ("behaviours_unsure", "unsure of"), ("actions", "actions")):
        if label[name]:
            parts.append(f"{words} {', '.join(code.replace('_', ' ') for code in label[name])}")
    if label["decided"]:
        parts.append(f"decided by people: {', '.join(label['decided'])}")
    return f"{label['instrument']} says: {'; '.join(parts)}"
