import json
import shutil
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from flows import collect, rights, steps
from flows.cli import main
from flows.errors import InputError
from flows.mapping import author_hash
from flows.rights import forget, retain
from flows.settings import Settings
from flows.terms import terms
from tests.flows.test_collect import post, write
from tests.warehouse.builders import INSTRUMENT, NOW
from warehouse import backup, incidents, linking, numbers
from warehouse.connect import checksum, open_working, snapshot_folder
from warehouse.publish import publish
from warehouse.rows import merge, transaction
from warehouse.schema.tables import TABLES

KEY = b"k"
# Words nobody else uses, so that finding them in a file means that the text is there.
WORDS = {n: f"quokka{n}zeppelin" for n in range(1, 5)}
HERS = author_hash("her-account", KEY)


def told(n: int, author: str) -> dict[str, object]:
    return post(
        n,
        title=f"Claude Code deleted my folder without asking {WORDS[n]}",
        text=f"I told it not to. It ran rm -rf on its own, without asking. {WORDS[n]} " * 3,
        author=author,
    )


@pytest.fixture
def db(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A warehouse with two of her posts and two of others, published twice, backed up, with review files."""
    monkeypatch.setenv("OFFSCRIPT_AUTHOR_KEY", KEY.decode())
    db = tmp_path / "x.duckdb"
    source = write(
        tmp_path / "posts.jsonl",
        *(told(n, "her-account" if n < 3 else f"other{n}") for n in range(1, 5)),
        json.dumps({"id": 5, "author": "her-account", "url": "https://github.com/o/r/issues/1", "text": WORDS[1]}),
    )
    with open_working(db) as con:
        collect.load_platforms(con)
        collect.import_file(con, source, coverage=None, key=KEY, run_id="r")
        merge(
            con,
            TABLES["runs"],
            [{"run_id": "r", "command": "c", "started_at": NOW, "run_state": "done", "version": "0"}],
        )
        assert steps.screen_pending(con, key=KEY, run_id="r") == 4
        merge(
            con,
            TABLES["instruments"],
            [{"instrument": INSTRUMENT, "ordinal": 1, "registered_at": NOW, "screen": "s", "card": "{}"}],
        )
        span = json.dumps([{"rule": "act", "field": "text", "start": 0, "end": 90}])
        rows = con.execute("SELECT report_id, text_hash FROM reports ORDER BY 1").fetchall()
        merge(
            con,
            TABLES["labels"],
            [
                {
                    "report_id": r,
                    "text_hash": h,
                    "instrument": INSTRUMENT,
                    "label_status": "judged",
                    "kind": "first_hand",
                    "p_strict": 0.9,
                    "is_strict": True,
                    "spans": span,
                    "agents": "[]",
                    "behaviours_present": [],
                    "actions": ["data_deletion"],
                    "evidence": 2,
                    "gravity": 2,
                    "score": 6,
                    "run_id": "r",
                }
                for r, h in rows
            ],
        )
        merge(
            con,
            TABLES["reviews"],
            [
                {
                    "review_id": "1",
                    "review_of": "github:o/r#1",
                    "decision": "kind",
                    "decided_value": "first_hand",
                    "review_reason": WORDS[1],
                },
                {
                    "review_id": "2",
                    "review_of": "github:o/r#3",
                    "decision": "not_same",
                    "decided_value": "github:o/r#1",
                },
                {
                    "review_id": "3",
                    "review_of": "incident:1",
                    "decision": "split",
                    "decided_value": '[["github:o/r#1"],["github:o/r#3"]]',
                },
            ],
        )
        ids = [r for r, _ in rows]
        with transaction(con):
            numbers.settle(con, ids, dict.fromkeys(ids, "github:o/r#1"), [], "r")
            linking.store_groupings(con, {m: dict.fromkeys(ids, "github:o/r#1") for m in ("tight", "normal", "loose")})
            incidents.refresh(con)
        publish(con, db, version="1")
        publish(con, db, version="2")
    backup.back_up(db)
    if db.is_file():
        shutil.copy(db, tmp_path / "x.duckdb.replaced-20260101T000000Z")
    with duckdb.connect(str(tmp_path / "x.review.duckdb")) as con:
        con.execute("CREATE TABLE queue (report_id VARCHAR, title VARCHAR, text VARCHAR, url VARCHAR)")
        con.execute(
            "INSERT INTO queue VALUES ('github:o/r#1', 't', ?, 'https://github.com/o/r/issues/1\"'), ('github:o/r#3', 't', ?, 'u')",
            [WORDS[1], WORDS[3]],
        )
    line = {"review_of": "github:o/r#1", "decision": "kind", "review_reason": WORDS[1]}
    (tmp_path / "x.reviews.jsonl").write_text(
        json.dumps(line) + "\n" + json.dumps({"review_of": "github:o/r#3"}) + "\n"
    )
    source.unlink()
    return db


def files_with(folder: Path, *needles: str) -> dict[str, list[str]]:
    """Return the files under a folder that hold one of the byte strings, and what every column of a database says."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.is_symlink() or path.suffix == ".author-key":
            continue
        data = path.read_bytes()
        hits = [needle for needle in needles if needle.strip('"').encode() in data]
        if path.suffix in {".duckdb", ".ducklake", ".parquet"}:
            # Compressed blocks cannot be searched as bytes: every value is looked at too.
            hits += [needle for needle in needles if needle in _values(path)]
        if hits:
            found[str(path.relative_to(folder))] = hits
    return found


def working(names: Iterable[str]) -> list[str]:
    """Return which of some files are the warehouse's own: the working file, or a lake's Parquet files and catalogue."""
    return [name for name in names if name == "x.duckdb" or name.startswith("lake.")]


def _values(path: Path) -> str:
    if path.suffix == ".parquet":
        return json.dumps(duckdb.execute("FROM read_parquet(?)", [str(path)]).fetchall(), default=str)
    with duckdb.connect(str(path), read_only=True) as con:
        tables = [name for (name,) in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        return json.dumps([con.execute(f"SELECT * FROM {name}").fetchall() for name in tables], default=str)


@pytest.mark.usefixtures("place")
def test_an_authors_texts_leave_every_file_and_the_counts_stay(db: Path) -> None:
    counts = "SELECT count(*), count(*) FILTER (is_strict), sum(reports) FROM incidents"
    with open_working(db) as con:
        before = con.execute(counts).fetchall(), con.execute("SELECT count(*) FROM reports").fetchall()
    everywhere = files_with(db.parent, WORDS[1], "github:o/r#1")
    folders = {name.split("/")[0].split(".repl")[0] for name in everywhere}
    beside = {"x.backups", "x.review.duckdb", "x.reviews.jsonl", "x.snapshots"}
    assert folders in (beside | {"x.duckdb"}, beside | {"lake.files", "lake.ducklake"}), everywhere
    result = CliRunner().invoke(main, ["forget", str(HERS), "--db", str(db)])
    assert result.exit_code == 0, result.output
    assert "2 reports forgotten" in result.output
    assert files_with(db.parent, WORDS[1], WORDS[2], "her-account", "issues/1", "o/r#1", "o/r#2") == {}
    # Their key stays as the mark by which nothing of theirs is collected again, also should a backup be put back.
    marked = {name.split("/")[0] for name in files_with(db.parent, str(HERS))}
    assert marked - {"lake.ducklake"} in ({"x.duckdb", "x.backups"}, {"lake.files", "x.backups"})
    with open_working(db) as con:
        assert con.execute("SELECT erased_what, n FROM erasures WHERE erased = ?", [HERS]).fetchall() == [("author", 2)]
        assert (con.execute(counts).fetchall(), con.execute("SELECT count(*) FROM reports").fetchall()) == before
        stones = con.execute(
            "SELECT report_id, url, text, text_gone_at IS NOT NULL FROM reports WHERE contains(report_id, 'forgotten')"
        ).fetchall()
        assert [row[1:] for row in stones] == [(None, "", True)] * 2
    # Others' words are untouched.
    kept = {name.split("/")[0] for name in files_with(db.parent, WORDS[3])}
    assert "x.review.duckdb" in kept
    assert kept & {"x.duckdb", "lake.files"}


def test_rewritten_snapshots_open_check_out_and_say_so(db: Path) -> None:
    from warehouse.connect import checksum, open_snapshot

    forget(db, str(HERS))
    folder = snapshot_folder(db)
    for path in folder.glob("*.duckdb"):
        assert path.with_suffix(".sha256").read_text().split()[0] == checksum(path)
        with open_snapshot(db, path.stem) as (con, _):
            assert con.execute(
                "SELECT count(*), count(*) FILTER (contains(report_id, 'forgotten')) FROM reports"
            ).fetchall() == [(4, 2)]
            assert con.execute("SELECT sum(incidents) FROM monthly_incidents WHERE merge = 'normal'").fetchall() == [
                (1,)
            ]
            assert con.execute(
                "SELECT count(*) FROM duckdb_columns() WHERE comment IS NULL AND table_name = 'reports'"
            ).fetchone() == (0,)
    logged = [json.loads(line) for line in (folder / rights.LOG).read_text().splitlines()]
    assert {row["snapshot"] for row in logged} == {path.stem for path in folder.glob("*.duckdb")}
    assert all(row["sha256"] != row["sha256_before"] and row["reports"] == 2 for row in logged)
    (made,) = backup.listed(db)
    assert backup.problem_of(made) == ""
    with open_working(db) as con:
        assert publish(con, db, version="2").new
        assert not publish(con, db, version="2").new


def test_what_was_forgotten_is_not_collected_again(db: Path, tmp_path: Path) -> None:
    forget(db, "https://github.com/o/r/issues/3")
    forget(db, "github:her-account")
    again = write(
        tmp_path / "again.jsonl",
        told(3, "other3"),
        {**told(1, "her-account"), "url": "https://github.com/o/r/issues/77"},
        told(4, "other4"),
    )
    with open_working(db) as con:
        new = collect.import_file(con, again, coverage=None, key=KEY, run_id="r2").new
        steps.screen_pending(con, key=KEY, run_id="r2")
        assert new == 0
        assert con.execute("SELECT count(*) FROM reports WHERE text <> ''").fetchone() == (1,)
    again.unlink()
    assert files_with(db.parent, WORDS[1], WORDS[3]) == {}


def test_forgetting_twice_or_a_stranger_says_that_nothing_is_held(db: Path) -> None:
    forget(db, "https://github.com/o/r/issues/1")
    for whom in ("https://github.com/o/r/issues/1", "https://github.com/o/r/issues/99", "github:nobody"):
        with pytest.raises(InputError, match="nothing of"):
            forget(db, whom)


def test_a_forget_killed_half_way_is_finished_by_the_next(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from warehouse import erase

    rewrite = erase.rewrite
    done: list[Path] = []

    def dies(path: Path, change: object) -> object:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(path)
        return rewrite(path, change)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(erase, "rewrite", dies)
        with pytest.raises(KeyboardInterrupt):
            forget(db, str(HERS))
    assert "x.duckdb" in files_with(db.parent, WORDS[1])
    forget(db, str(HERS))
    assert files_with(db.parent, WORDS[1], WORDS[2]) == {}


def test_with_an_address_the_whole_author_can_be_meant(db: Path) -> None:
    assert forget(db, "https://github.com/o/r/issues/1", whole_author=True).reports == 2
    assert files_with(db.parent, WORDS[2]) == {}


@pytest.mark.usefixtures("place")
def test_texts_past_their_term_leave_the_file(db: Path) -> None:
    later = datetime.now(UTC) + timedelta(days=731)
    found = retain(db, now=later)
    assert found.rows[0]["texts"] == 4
    assert not working(files_with(db.parent, WORDS[2], WORDS[4]))
    with open_working(db) as con:
        assert con.execute("SELECT count(*) FROM current_labels WHERE is_strict").fetchone() == (4,)
    assert CliRunner().invoke(main, ["retention", "--json", "--db", str(db)]).exit_code == 0


@pytest.mark.usefixtures("place")
def test_a_text_deleted_at_its_source_leaves_the_kept_snapshots(db: Path) -> None:
    from flows.deletions import purge

    excerpts = "SELECT count(*) FROM evidence_spans WHERE report_id = 'github:o/r#3'"
    with open_working(db) as con, transaction(con):
        assert purge(con, ["t:3"]) == 1
    retain(db)
    held = files_with(db.parent, WORDS[3])
    assert not [name for name in held if name.startswith("x.snap")] + working(held)
    for path in snapshot_folder(db).glob("*.duckdb"):
        assert path.with_suffix(".sha256").read_text().split()[0] == checksum(path)
        with duckdb.connect(str(path), read_only=True) as con:
            assert con.execute(excerpts).fetchone() == (0,)
            assert con.execute("SELECT count(*) FROM evidence_spans").fetchone() != (0,)
    with open_working(db) as con:
        noted = dict(con.execute("SELECT snapshot, sha256 FROM snapshots").fetchall())
    assert noted == {path.stem: checksum(path) for path in snapshot_folder(db).glob("*.duckdb")}


def test_old_snapshots_are_thinned_to_one_a_day(tmp_path: Path) -> None:
    folder = tmp_path / "x.snapshots"
    folder.mkdir()
    for name in (
        "20261001T010000Z-a",
        "20261001T230000Z-b",
        "20261002T010000Z-c",
        "20261119T010000Z-d",
        "20261119T020000Z-e",
    ):
        (folder / f"{name}.duckdb").write_text(name)
        (folder / f"{name}.sha256").write_text(name)
    (folder / "current").symlink_to("20261119T020000Z-e.duckdb")
    assert rights.thin_snapshots(tmp_path / "x.duckdb", None, datetime(2026, 11, 20, tzinfo=UTC)) == []
    assert rights.thin_snapshots(tmp_path / "x.duckdb", 7, datetime(2026, 11, 20, tzinfo=UTC)) == ["20261001T010000Z-a"]
    assert len(list(folder.glob("*.sha256"))) == 5
    assert (folder / "current").resolve().is_file()


def test_terms_are_changed_by_a_setting_and_a_wrong_one_is_named() -> None:
    days = terms(Settings(text_days="x=30, web=never"))
    assert (days["x"], days["web"], days["record"]) == (30, None, None)
    for wrong in ("x", "x=-1", "nowhere=3", "x=soon"):
        with pytest.raises(InputError, match="OFFSCRIPT_TEXT_DAYS"):
            terms(Settings(text_days=wrong))
