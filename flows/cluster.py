"""Where texts are judged: in this process, or by the workers of a Dask cluster named by an address.

Only this process reads and writes the warehouse. A batch goes out as Arrow and comes back as Arrow; each worker has one
at a time, so a worker that dies costs its batch, which another one takes. What came back is let go at once: a result
that is stored is never asked for again.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from queue import Empty, Queue
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from classifiers.batches import as_batch, as_lines, judge_batch, label_batch
from classifiers.label import Labeller
from flows.errors import InputError
from flows.settings import Settings
from warehouse.schema.models import LabelLine, Post

if TYPE_CHECKING:
    from distributed import Client, Future, KilledWorker

ANSWER: Final = 30.0
"""Seconds a cluster has to answer, and to have a worker."""

Rows = Sequence[Mapping[str, Any]]
Judged = tuple[Rows, list[LabelLine]]
Judge = Callable[[Iterator[Rows]], Iterator[Judged]]
ToPost = Callable[[Mapping[str, Any]], Post]


def judge_for(labeller: Labeller, to_post: ToPost, address: str | None = None) -> Judge:
    """Return what judges batches of rows: this process, or the cluster at `address` (default: OFFSCRIPT_CLUSTER).

    From a cluster the batches come back in the order in which they are done.
    """
    where = address or Settings().cluster
    if not where:
        return lambda batches: ((rows, as_lines(judge_batch(labeller, _sent(rows, to_post)))) for rows in batches)
    return lambda batches: spread(batches, where, to_post, instrument=labeller.instrument)


def _sent(rows: Rows, to_post: ToPost) -> pa.RecordBatch:
    return as_batch([to_post(row) for row in rows])


def spread(
    batches: Iterator[Rows],
    address: str,
    to_post: ToPost,
    *,
    instrument: str,
    function: Callable[[pa.RecordBatch], pa.RecordBatch] = label_batch,
    patience: float | None = None,
) -> Iterator[Judged]:
    """Judge batches on the cluster; yield each with its lines as it is done.

    Args:
        batches: read only as far ahead as the cluster has workers.
        address: of the scheduler, as tcp://host:8786.
        to_post: what the instrument reads of a row.
        instrument: what the workers must have.
        function: what they run, pure: the same batch gives the same lines wherever it runs, however often.
        patience: seconds to wait for a cluster, and for a worker where none is left; None for `ANSWER`.

    Raises:
        InputError: there is no cluster or no worker, it has another instrument, or a batch ends its workers. What was
            yielded before is whole; the rest is still pending.
    """
    failed = []
    patience = ANSWER if patience is None else patience
    with _connected(address, patience) as client:
        from distributed import KilledWorker

        done: Queue[Future[Any]] = Queue()
        out: dict[Future[Any], Rows] = {}

        def send() -> None:
            while len(out) < _threads(client) and (rows := next(batches, None)) is not None:
                future = client.submit(function, _sent(rows, to_post), pure=False)
                out[future] = rows
                future.add_done_callback(done.put)

        send()
        while out:
            future = _next(client, done, address, patience)
            rows = out.pop(future)
            judged = _result(future, address)
            future.release()
            send()
            if isinstance(judged, KilledWorker):
                failed.append(judged)
                continue
            lines = as_lines(judged)
            other = next((line.instrument for line in lines if line.instrument != instrument), None)
            if other:
                msg = f"a worker of {address} judges by {other}, not by {instrument}: install the same version there"
                raise InputError(msg)
            yield rows, lines
    if failed:
        msg = (
            f"{len(failed)} batches were not judged: every worker that tried died ({failed[0]}); the others are stored"
        )
        raise InputError(msg)


def _result(future: "Future[Any]", address: str) -> "pa.RecordBatch | KilledWorker":
    from concurrent.futures import CancelledError

    from distributed import KilledWorker

    try:
        return future.result()
    except KilledWorker as error:
        return error
    except (CancelledError, OSError) as error:
        msg = f"the cluster at {address} was lost; what it had judged is stored, the rest is still pending"
        raise InputError(msg) from error


def _next(client: "Client", done: "Queue[Future[Any]]", address: str, patience: float) -> "Future[Any]":
    """Wait for a batch; give up only where nobody works on any."""
    while True:
        try:
            return done.get(timeout=patience)
        except Empty:
            if not _threads(client):
                msg = (
                    f"the cluster at {address} has no worker left: start one with `dask worker {address} --nthreads 1`"
                )
                raise InputError(msg) from None


def _threads(client: "Client") -> int:
    return sum(client.nthreads().values())


@contextmanager
def _connected(address: str, patience: float) -> Iterator["Client"]:
    try:
        from distributed import Client
    except ImportError:
        msg = f"OFFSCRIPT_CLUSTER is {address}, and Dask is not installed here: pip install 'offscript[cluster]'"
        raise InputError(msg) from None
    try:
        client = Client(address, timeout=patience, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        msg = f"no cluster answers at {address}: start one with `dask scheduler`, or unset OFFSCRIPT_CLUSTER"
        raise InputError(msg) from error
    try:
        try:
            client.wait_for_workers(1, timeout=patience)
        except TimeoutError:
            msg = f"the cluster at {address} has no worker: start one with `dask worker {address} --nthreads 1`"
            raise InputError(msg) from None
        yield client
    finally:
        client.close()
