"""Labelling on a Dask cluster of real worker processes: the same lines, whoever dies."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from classifiers import batches
from classifiers.batches import as_batch, as_lines, judge_batch, label_batch
from classifiers.label import Labeller, load_labeller
from flows import steps
from flows.cluster import Judged, Rows, judge_for, spread
from flows.errors import InputError
from flows.steps import label_pending, post_of_row
from tests.classifiers.fakes import WordEncoder
from tests.conftest import ROOT
from tests.flows.judging import PLAIN, marked, tried
from tests.warehouse.builders import add_report, warehouse
from warehouse.schema.models import Post

STUCK = "github:r04"
REPORTS = 12
SIZE = 2
TEXT = "Claude Code deleted my whole src folder without asking, number {}. It said so itself: rm -rf src."


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs="ERROR") as cluster:
        yield cluster.scheduler_address


def rows() -> list[dict[str, Any]]:
    return [
        {"report_id": f"github:r{n:02}", "stated_source": "github", "title": "", "text": TEXT.format(n), "lang": "en"}
        for n in range(REPORTS)
    ]


def cut() -> Iterator[Rows]:
    held = rows()
    return iter([held[first : first + SIZE] for first in range(0, REPORTS, SIZE)])


def alone() -> dict[str, str]:
    """What one process says of every report."""
    return lines_of(list(judge_for(PLAIN, post_of_row)(cut())))


def lines_of(judged: Sequence[Judged]) -> dict[str, str]:
    return {line.id: line.model_dump_json() for _, lines in judged for line in lines}


def test_lines_survive_the_way_there_and_back() -> None:
    labeller = Labeller(load_labeller().heads, "shipped", WordEncoder())
    posts = [Post(id="a", title="T", text=TEXT.format(0)), Post(id="b", text="", lang=None)]
    lines = labeller.label(posts)
    assert lines[0].behaviours
    assert lines[0].spans
    assert as_lines(judge_batch(labeller, as_batch(posts))) == lines


def test_a_worker_with_several_threads_loads_the_instrument_once(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = []

    def load() -> Labeller:
        loaded.append(1)
        return PLAIN

    monkeypatch.setattr(batches, "load_labeller", load)
    batches._shipped.cache_clear()
    batch = as_batch([post_of_row(row) for row in rows()[:2]])
    threads = [threading.Thread(target=label_batch, args=[batch]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    batches._shipped.cache_clear()
    assert loaded == [1]


def test_a_killed_worker_costs_its_batch_and_nothing_else(address: str, tmp_path: Path) -> None:
    judged: list[Judged] = []
    working = partial(marked, str(tmp_path), STUCK)
    for pair in spread(cut(), address, post_of_row, instrument=PLAIN.instrument, function=working):
        judged.append(pair)
        if len(judged) == REPORTS // SIZE - 1:
            # All but the stuck one are here: its worker dies.
            (pid,) = tried(tmp_path, STUCK)
            os.kill(pid, signal.SIGKILL)
    assert lines_of(judged) == alone()
    assert sum(len(held) for held, _ in judged) == REPORTS
    assert len(tried(tmp_path, STUCK)) == 2
    assert len(tried(tmp_path)) == REPORTS // SIZE + 1


def label_through(db: Path, address: str, marks: Path, stop_after: int | None = None) -> int:
    """Label a warehouse through the cluster; after so many stored batches this process kills itself."""
    working = partial(marked, str(marks), None)

    def judge(batches_: Iterator[Rows]) -> Iterator[Judged]:
        judged = spread(batches_, address, post_of_row, instrument=PLAIN.instrument, function=working)
        for done, pair in enumerate(judged):
            if done == stop_after:
                os.kill(os.getpid(), signal.SIGKILL)
            yield pair

    with pytest.MonkeyPatch.context() as patch, warehouse(db) as con:
        patch.setattr(steps, "LABEL_BATCH", SIZE)
        return label_pending(con, PLAIN, run_id="r", judge=judge)


def test_a_killed_writer_loses_nothing_that_was_stored(address: str, tmp_path: Path) -> None:
    db, marks = tmp_path / "x.duckdb", tmp_path / "marks"
    marks.mkdir()
    with warehouse(db) as con:
        for row in rows():
            add_report(con, row["report_id"], text=row["text"])
        con.execute("DELETE FROM labels; DELETE FROM instruments")
    code = f"from pathlib import Path; from tests.flows.test_cluster import label_through as go; go(Path({str(db)!r}), {address!r}, Path({str(marks)!r}), 2)"
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True, text=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    with warehouse(db) as con:
        kept = {row[0] for row in con.execute("SELECT report_id FROM labels").fetchall()}
    assert len(kept) == 2 * SIZE
    assert label_through(db, address, marks) == REPORTS - 2 * SIZE
    # What was stored was not judged again.
    assert [len(tried(marks, batch[0]["report_id"])) for batch in cut() if batch[0]["report_id"] in kept] == [1, 1]
    with warehouse(db) as con:
        stored = con.execute("SELECT report_id, p_strict FROM labels WHERE instrument = 'plain-1'").fetchall()
    expected = {line.id: line.p_strict for line in PLAIN.label([post_of_row(row) for row in rows()])}
    assert len(stored) == REPORTS
    assert dict(stored) == expected


def test_a_worker_with_another_instrument_is_refused(address: str, tmp_path: Path) -> None:
    working = partial(marked, str(tmp_path), None)
    with pytest.raises(InputError, match=r"judges by plain-1, not by real-1"):
        list(spread(cut(), address, post_of_row, instrument="real-1", function=working))


def test_a_cluster_that_does_not_answer_is_named() -> None:
    with pytest.raises(InputError, match=r"no cluster answers at tcp://127.0.0.1:9"):
        list(spread(cut(), "tcp://127.0.0.1:9", post_of_row, instrument=PLAIN.instrument, patience=0.5))


def test_the_setting_sends_labelling_to_the_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFSCRIPT_CLUSTER", "tcp://127.0.0.1:9")
    monkeypatch.setattr("flows.cluster.ANSWER", 0.5)
    with pytest.raises(InputError, match="unset OFFSCRIPT_CLUSTER"):
        list(judge_for(PLAIN, post_of_row)(cut()))
