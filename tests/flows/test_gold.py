"""Labelled texts come back from their addresses, and are known again by what was labelled."""

import json
from pathlib import Path

import pytest

from classifiers.items import GoldItem, read_gold
from flows.errors import InputError
from flows.gold import FINGERPRINTS, LABELS, fetch_gold, fingerprint, same, write_fingerprints
from tests.conftest import ROOT
from tests.flows.sources import stand_github
from tests.flows.sources.standin import Site, client, posts, running, status


def item(number: int, title: str, text: str) -> GoldItem:
    url = f"https://github.com/o/r/issues/{number}"
    return GoldItem(
        id=f"gh:{number}", source="github_issue:o/r", url=url, title=title, text=text, kind="first_hand", score=6
    )


def test_what_was_labelled_is_known_again_and_an_edit_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = posts(6)
    labelled = [item(post.n, post.title, f"{post.title}\n{post.text}") for post in held]
    # Of the second only the beginning was labelled; the third was edited since; the fourth is gone.
    labelled[1] = item(held[1].n, held[1].title, held[1].text[:30] + "…")
    labelled[2] = item(held[2].n, held[2].title, "what it said before")
    labelled[3] = item(99, "gone", "gone")
    labelled.append(GoldItem(id="web:1", source="news", url="https://example.org/a", text="x", kind="other", score=0))
    rows = [entry.model_dump(exclude={"title", "text"}) for entry in labelled]
    (tmp_path / LABELS).write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert write_fingerprints(labelled, tmp_path / FINGERPRINTS) == 7
    site = Site(stand_github.answer, held)
    with running(site):
        monkeypatch.setenv("OFFSCRIPT_GITHUB_BASE", site.base)
        site.faults = [status(451)]
        found = fetch_gold(tmp_path / "gold.jsonl", client(), folder=tmp_path)
    assert found.outcomes == {"not fetchable": 1, "failed": 1, "same": 3, "changed": 1, "gone": 1}
    assert found.reasons == {"web: no way to ask for a single post": 1, "github: refused": 1}
    back = read_gold(tmp_path / "gold.jsonl")
    assert [entry.id for entry in back] == [f"gh:{held[number].n}" for number in (1, 4, 5)]
    assert back[0].text == held[1].text[:30].rstrip()
    assert back[1].post.text == held[4].text


def test_hashes_do_not_depend_on_spaces_or_on_a_repeated_title() -> None:
    known = fingerprint("A title", "A title\r\n\r\nIt  deleted\tthe folder…")
    assert same(known, "A title ", "It deleted the folder, and more")
    assert not same(known, "A title", "It deleted a folder")
    assert not same(known, "Another", "It deleted the folder")


def test_every_shipped_label_has_its_fingerprint() -> None:
    folder = ROOT / "classifiers" / "gold"
    labels = {json.loads(line)["id"] for line in (folder / LABELS).read_text().splitlines()}
    prints = {line.split(",")[0] for line in (folder / FINGERPRINTS).read_text().splitlines()[1:]}
    assert labels == prints


def test_the_shipped_fingerprints_are_those_of_the_labelled_texts(shared: Path, tmp_path: Path) -> None:
    items = read_gold(shared / "gold" / "real.jsonl")
    write_fingerprints(items, tmp_path / FINGERPRINTS)
    shipped = ROOT / "classifiers" / "gold" / FINGERPRINTS
    assert (tmp_path / FINGERPRINTS).read_text() == shipped.read_text()


def test_missing_labels_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"real_labels\.jsonl: there is no such file"):
        fetch_gold(tmp_path / "gold.jsonl", client(), folder=tmp_path)
