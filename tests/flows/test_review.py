"""Reviewing from the command line, changing instruments, explaining a label."""

import io
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from classifiers.explain import explain
from classifiers.label import Labeller, load_labeller, without
from flows import review as reviews
from flows import steps
from flows.cli import main
from flows.review_terminal import marked
from tests.warehouse.builders import INSTRUMENT, add_report, warehouse
from tests.warehouse.test_incidents import settle
from warehouse import labels
from warehouse.publish import publish
from warehouse.review.decisions import append, decide, decisions_file, read
from warehouse.rows import merge, scalar
from warehouse.schema.models import LabelLine, Post
from warehouse.schema.tables import TABLES
from warehouse.trends.breaks import breaks

DELETED = "Claude Code deleted my whole src folder without asking"
TOLD = "I told it to rename two files and not to touch anything else. It ran rm -rf src/ on its own. The sky was blue."


def call(*arguments: str, keys: str = "") -> Result:
    result = CliRunner().invoke(main, list(arguments), input=keys)
    assert "Traceback" not in result.output
    return result


@pytest.fixture
def db(tmp_path: Path) -> Path:
    path = tmp_path / "x.duckdb"
    with warehouse(path) as con:
        add_report(con, "github:near", title=DELETED, text=TOLD, p_strict=0.51)
        add_report(con, "github:under", title="hostile \x1b[31m title", text="a\nb", p_strict=0.49, is_strict=False)
        settle(con, ["github:near"], {}, [])
        publish(con, path, version="test")
        reviews.write_queue(con, path)
    return path


def answers(db: Path) -> list[tuple[str, str | None]]:
    return [(one.decision, one.decided_value) for one in read(decisions_file(db))[0]]


def test_one_key_a_decision_and_undo(db: Path) -> None:
    told = call("review", "--db", str(db), "--reviewer", "ab", keys="1uasq")
    assert told.exit_code == 0
    assert "\x1b[31m" not in told.output
    assert "1 answered" in told.output
    assert [name for name, _ in answers(db)] == ["kind", "is_strict", "undo", "undo", "kind", "is_strict"]
    waiting = call("review", "--db", str(db), "--reviewer", "ab", "--list").output
    assert "1 questions wait for ab" in waiting


def test_further_fields_one_decision_and_kappa(db: Path) -> None:
    call("review", "--db", str(db), "--reviewer", "ab", keys="e3\ne9\naaq")
    assert ("evidence", "3") in answers(db)
    assert ("evidence", "9") not in answers(db)
    for name in ("ab", "cd"):
        decided = call("review", "--db", str(db), "--reviewer", name, "--decide", "github:near", "gravity", "3")
        assert decided.exit_code == 0, decided.output
    assert (
        "incident:1 status confirmed"
        in call("review", "--db", str(db), "--reviewer", "ab", "--decide", "incident:1", "status", "confirmed").output
    )
    refused = call("review", "--db", str(db), "--reviewer", "ab", "--decide", "incident:1", "status", "sure")
    assert refused.exit_code == 1
    assert "none of reported" in refused.output
    assert "gravity" in call("review", "--db", str(db), "--kappa").output
    last = read(decisions_file(db))[0][-1].review_id
    assert "taken back" in call("review", "--db", str(db), "--reviewer", "ab", "--undo", last).output
    assert call("review", "--db", str(db), "--reviewer", "ab", "--undo", last).exit_code == 1
    assert call("review", "--db", str(db)).exit_code == 2


def test_decisions_count_after_they_are_taken_in(db: Path) -> None:
    call("review", "--db", str(db), "--reviewer", "ab", keys="55q")
    with warehouse(db) as con:
        merged = reviews.apply_decisions(con, db, version="test")
        again = reviews.apply_decisions(con, db, version="test")
        assert con.execute("SELECT DISTINCT kind, is_strict FROM current_labels").fetchall() == [
            ("ordinary_failure", False)
        ]
        # The incident follows, and is kept.
        assert con.execute("SELECT incident, is_strict FROM incidents").fetchall() == [(1, False)]
    assert (merged.new, again.new) == (4, 0)


def test_kappa_has_an_interval_and_its_n() -> None:
    made = [
        decide(f"github:{n}", "kind", kind, reviewer=name, expected_text_hash="h")
        for n in range(40)
        for name, kind in (("ab", "other" if n % 2 else "research"), ("cd", "other" if n % 2 or n > 30 else "research"))
    ]
    figure = reviews.kappas(made)["kind"]
    assert figure.n == 40
    # By hand: 36 of 40 agree; chance is .5 * .6 + .5 * .4 = .5.
    assert figure.value == pytest.approx(0.8)
    assert figure.low is not None
    assert figure.high is not None
    assert figure.low < 0.8 < figure.high


def test_only_reviewed_texts_that_may_train_do_and_no_audit_answer(db: Path) -> None:
    made = [
        decide(name, "kind", "discussion", reviewer="ab", expected_text_hash="h")
        for name in ("github:near", "github:under")
    ]
    append(decisions_file(db), made)
    with warehouse(db) as con:
        reviews.apply_decisions(con, db, version="test")
        assert list(reviews.gold_items(con)) == []
        con.execute("UPDATE platforms SET train = 'yes' WHERE platform = 'github'")
        row = {"draw": "d", "report_id": "github:under", "text_hash": "h", "stratum": "s", "inclusion_p": 0.1}
        merge(con, TABLES["audit_draws"], [row])
        (item,) = reviews.gold_items(con)
    assert (item["id"], item["kind"], item["gold"]) == ("github:near", "discussion", "negative")
    assert "evidence" not in item
    with reviews.reviewed_gold(db) as (path,):
        assert json.loads(path.read_text())["id"] == "github:near"
    assert not path.exists()


# changing instruments


class Renamed:
    """The shipped heads under another name, with a judgement of their own; stops after `most` posts."""

    def __init__(self, name: str, *, strict: bool, most: int = 10_000) -> None:
        self.instrument, self.strict, self.left = name, strict, most

    def label(self, posts: list[Post]) -> list[LabelLine]:
        self.left -= len(posts)
        if self.left < 0:
            raise MemoryError
        return [
            LabelLine(id=post.id, status="judged", kind="first_hand" if self.strict else "discussion",
                      p_strict=0.8 if self.strict else 0.1, is_strict=self.strict, instrument=self.instrument)
            for post in posts
        ]  # fmt: skip


def label(con: duckdb.DuckDBPyConnection, instrument: Any) -> int:
    return steps.label_pending(con, instrument, run_id="r")


def test_a_new_instrument_takes_over_at_once_and_the_break_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "LABEL_BATCH", 50)
    with warehouse(tmp_path / "x.duckdb") as con:
        for number in range(450):
            add_report(con, f"github:{number}", text=f"text {number}", is_strict=number % 2 == 0)
        con.execute("UPDATE reports SET title = '', text = '' WHERE report_id = 'github:449'")
        with pytest.raises(MemoryError):
            label(con, Renamed("new-1", strict=True, most=120))
        # Half way: the one before still counts, for every report.
        assert labels.current(con) == INSTRUMENT
        assert con.execute("SELECT DISTINCT instrument FROM current_labels").fetchall() == [(INSTRUMENT,)]
        assert breaks(con) == ()
        assert label(con, Renamed("new-1", strict=True)) == 449 - 100
        assert labels.current(con) == "new-1"
        held = con.execute("SELECT instrument, count(*) FROM current_labels GROUP BY 1 ORDER BY 1").fetchall()
        assert held == [("new-1", 449), (INSTRUMENT, 1)]
        (found,) = breaks(con)
        assert (found.rejudged, found.not_rejudged, found.strict_before, found.strict_after) == (449, 1, 225, 449)
        assert found.n == scalar(con, "SELECT count(*) FROM panel_posts") == 400
        assert found.changed_share == pytest.approx(0.5)
        assert found.mean_shift == pytest.approx(-0.1)
        assert "449 texts judged by both" in found.sentence()
        months = con.execute("SELECT instrument, judged, strict FROM monthly_by_instrument ORDER BY 1").fetchall()
        assert months == [("new-1", 449, 449), (INSTRUMENT, 450, 225)]
        # The panel is frozen: the next instrument meets the same reports.
        panel = con.execute("SELECT * FROM panel_posts ORDER BY ALL").fetchall()
        add_report(con, "github:later", text="later")
        label(con, Renamed("new-2", strict=False))
        assert con.execute("SELECT * FROM panel_posts ORDER BY ALL").fetchall() == panel
        assert [each.instrument for each in breaks(con)] == ["new-1", "new-2"]
        assert label(con, Renamed("new-2", strict=False)) == 0


# explaining


@pytest.fixture(scope="module")
def labeller(tmp_path_factory: pytest.TempPathFactory) -> Labeller:
    return load_labeller()


def test_the_words_that_tell_the_act_move_it_more_than_the_weather(labeller: Labeller) -> None:
    post = Post(id="x", source="reddit:r/x", title=DELETED, text=TOLD)
    found = explain(labeller, post)
    words = [getattr(post, one.span.field)[one.span.start : one.span.end].strip() for one in found.moved]
    assert words[0] == DELETED
    assert set(words) == {DELETED, *(f"{part.strip('.')}." for part in TOLD.split(". "))}
    # What is printed is what the instrument says of the text without those words.
    first = found.moved[0]
    assert labeller.label([without(post, first.span)], screened=False)[0].p_strict == first.p_without
    assert first.p_without < (found.line.p_strict or 0)
    strict = next(head for head in found.heads if head.name == "strict")
    assert (strict.p >= strict.threshold) == found.line.is_strict
    assert any("action:data_deletion" in hit.supports for hit in found.hits)


def test_long_odd_and_empty_texts_are_explained_in_bounded_steps(labeller: Labeller) -> None:
    assert len(explain(labeller, Post(id="x", text="It deleted it. " * 5_000)).moved) <= 60
    assert explain(labeller, Post(id="x", text="")).hits == ()
    explain(labeller, Post(id="x", title="\u202e\x00", text="!" * 10_000))


def test_explain_finds_a_report_by_address_and_from_the_queue_while_the_file_is_written(db: Path) -> None:
    append(decisions_file(db), [decide("github:near", "kind", "other", reviewer="ab", expected_text_hash="h")])
    told = call("explain", "https://example.org/github:near", "--db", str(db)).output
    for part in ("github:near", "its threshold of", "what moved it most", "kind other by ab", INSTRUMENT):
        assert part in told
    aside = db.with_name("aside.duckdb")
    db.rename(aside)
    assert "x.review.duckdb" in call("explain", "github:near", "--db", str(db)).output
    aside.rename(db)
    lost = call("explain", "github:nowhere", "--db", str(db))
    assert lost.exit_code == 1
    assert "no report 'github:nowhere'" in lost.output


def test_a_strangers_text_cannot_steer_the_terminal() -> None:
    out = Console(file=io.StringIO(), force_terminal=True)
    out.print(marked("\x1b[2Jone\r\ntwo \u202ethree [bold]x[/bold]", [(4, 7)]))
    shown = out.file.getvalue()  # type: ignore[attr-defined]
    assert "\x1b[2J" not in shown
    assert "\u202e" not in shown
    assert "[bold]x[/bold]" in shown


def test_training_takes_reviewed_labels(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}

    def fit(gold: tuple[Path, ...], *_: Any, **__: Any) -> Any:
        given["names"] = [path.name for path in gold]
        raise MemoryError

    monkeypatch.setattr("classifiers.train.train", fit)
    with warehouse(db) as con:
        con.execute("UPDATE platforms SET train = 'yes'")
        append(decisions_file(db), [decide("github:near", "kind", "other", reviewer="ab", expected_text_hash="h")])
        reviews.apply_decisions(con, db, version="test")
    CliRunner().invoke(main, ["train", "--out", "nowhere", "--reviews", str(db)])
    assert given["names"] == ["own_words.jsonl", "reviews.jsonl"]
