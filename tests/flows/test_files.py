"""`offscript label` and `link`: files in, files out, one line for each line, whatever stands in it."""

import gzip
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from flows.cli import main
from tests.conftest import ROOT

DELETED = "Claude Code deleted my whole src folder without asking"
SCHEMA = json.loads((ROOT / "warehouse" / "schema" / "label.schema.json").read_text("utf-8"))


def call(*arguments: str) -> int:
    result = CliRunner().invoke(main, list(arguments))
    if result.exit_code not in {0, 3}:
        raise AssertionError(result.output) from result.exception
    return result.exit_code


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("in") / "in.jsonl.gz"
    given: list[str] = [
        json.dumps({"id": "event", "title": DELETED, "text": "", "source": "github_issue:anthropics/claude-code"}),
        "{broken",
        json.dumps({"id": "nothing", "title": "How do I install this?", "text": None}),
        "",
        json.dumps({"id": 7, "title": DELETED}),
        json.dumps({"id": "german", "lang": "de", "title": "Der Agent hat alles gelöscht, ohne zu fragen", "text": ""}),
        json.dumps({"id": "html", "title": "<script>alert(1)</script>", "text": "\u200b\u202e🙂" * 50}),
        json.dumps({"id": "huge", "title": "", "text": "x" * 5_000_000}),
        json.dumps({"id": "mega", "title": DELETED, "text": "and then " * 120_000}),
    ]
    path.write_bytes(gzip.compress("\n".join(given).encode()))
    return path


def test_one_line_out_for_each_line_in_and_in_order(mixed: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    assert call("label", str(mixed), "--out", str(out)) == 3
    found = lines(out)
    assert [(line["id"], line["status"]) for line in found] == [
        ("event", "judged"),
        ("line:2", "rejected"),
        ("nothing", "screened_out"),
        ("line:4", "rejected"),
        ("line:5", "rejected"),
        ("german", "language"),
        ("html", "screened_out"),
        ("line:8", "rejected"),
        ("mega", "judged"),
    ]
    for line in found:
        jsonschema.validate(line, SCHEMA)
    assert found[0]["is_strict"]
    assert [agent["name"] for agent in found[0]["agents"]] == ["claude code"]
    again = tmp_path / "again.jsonl"
    call("label", str(mixed), "--out", str(again))
    assert again.read_bytes() == out.read_bytes()


def test_a_file_that_cannot_be_read_leaves_no_output(tmp_path: Path) -> None:
    (tmp_path / "in.gz").write_bytes(b"no gzip")
    result = CliRunner().invoke(main, ["label", str(tmp_path / "in.gz"), "--out", str(tmp_path / "out.jsonl")])
    assert result.exit_code == 1
    assert "in.gz" in result.output
    assert not (tmp_path / "out.jsonl").exists()


def test_reports_of_one_event_are_linked_and_the_rest_are_not(tmp_path: Path) -> None:
    text = "It was asked to rename two files, ran rm -rf on the source folder of the Leiden greenhouse and denied it."
    given = [
        {"id": "a", "title": "Agent wipes greenhouse code", "text": text, "created_at": "2026-03-01"},
        {
            "id": "b",
            "title": "",
            "text": "Nobody knows why the trains in Osaka stood still.",
            "created_at": "2026-03-01",
        },
        {"id": "c", "title": "Agent wipes greenhouse code", "text": text + " ", "created_at": "2026-03-03"},
        {"id": "d", "title": 5},
    ]
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps(item) + "\n" for item in given))
    out = tmp_path / "out.jsonl"
    assert call("link", str(path), "--out", str(out)) == 3
    found = lines(out)
    assert [line["id"] for line in found] == ["a", "b", "c", "line:4"]
    assert found[0]["incident"] == found[2]["incident"] != found[1]["incident"]
    assert (found[2]["linked_to"], found[2]["score"]) == ("a", 1.0)
    assert found[3]["incident"] == ""


def test_two_users_of_one_tracker_tell_two_events(tmp_path: Path) -> None:
    # One tracker under two names of it.
    sources = ("github_issue:anthropics/claude-code", "github_issue_title:anthropics/claude-code")
    titles = (
        "I told Claude Code not to push and it force-pushed to main without asking me",
        "Claude Code force-pushed to main without asking although I told it not to push",
    )
    given = [
        {"id": str(n), "source": sources[n], "title": title, "text": "", "created_at": "2026-03-01"}
        for n, title in enumerate(titles)
    ]
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps(item) + "\n" for item in given))
    call("link", str(path), "--out", str(tmp_path / "out.jsonl"))
    assert len({line["incident"] for line in lines(tmp_path / "out.jsonl")}) == 2


def test_an_evaluation_says_what_was_learnt_from_and_who_annotated(tmp_path: Path) -> None:
    own = (ROOT / "classifiers" / "gold" / "own_words.jsonl").read_text("utf-8").splitlines()[:12]
    unseen = {**json.loads(own[0]), "id": "never seen"}
    path = tmp_path / "gold.jsonl"
    path.write_text("\n".join([*own, json.dumps(unseen)]) + "\n")
    told = CliRunner().invoke(main, ["evaluate", str(path)]).output
    assert "12 of these 13 items were learnt from" in told
    assert "language models" in told
    found = json.loads(CliRunner().invoke(main, ["evaluate", str(path), "--json"]).stdout)
    assert found["items"] == 13
    path.write_text('{"id": "a", "title": "t", "score": 12}\n')
    broken = CliRunner().invoke(main, ["evaluate", str(path)])
    assert broken.exit_code == 1
    assert "line 1: score" in broken.output


def test_labels_without_texts_are_measured_by_their_predictions_or_by_given_lines(tmp_path: Path) -> None:
    gold = ROOT / "classifiers" / "gold"
    told = json.loads(CliRunner().invoke(main, ["evaluate", str(gold / "real_labels.jsonl"), "--json"]).stdout)
    card = json.loads((gold.parent / "model" / "card.json").read_text("utf-8"))
    assert told["sections"] == card["quality_of_the_field"]["sections"]
    given = ["--lines", str(gold / "fresh_reading.jsonl")]
    read = json.loads(CliRunner().invoke(main, ["evaluate", str(gold / "real_labels.jsonl"), *given, "--json"]).stdout)
    assert read["sections"] == card["fresh_reading"]["field"]["sections"]
    assert read["notes"][-1] == f"{told['items'] - read['items']} items have no label line and are left out."
    (tmp_path / "lines.jsonl").write_text('{"id": "a"}\n')
    broken = CliRunner().invoke(
        main, ["evaluate", str(gold / "real_labels.jsonl"), "--lines", str(tmp_path / "lines.jsonl")]
    )
    assert broken.exit_code == 1
    assert "line 1: status" in broken.output
