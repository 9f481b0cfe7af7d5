"""Progress of long steps: shown by the command line, silent under a scheduler."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

Advance = Callable[[int], None]
Step = Callable[[str, int | None], AbstractContextManager[Advance]]


@contextmanager
def _silent(_name: str, _total: int | None) -> Iterator[Advance]:
    yield lambda _count: None


_CURRENT: ContextVar[Step] = ContextVar("progress", default=_silent)


def step(name: str, total: int | None = None) -> AbstractContextManager[Advance]:
    """Open a step of `total` items (None: unknown); call what it gives with the number of items just done."""
    return _CURRENT.get()(name, total)


@contextmanager
def shown(console: Console) -> Iterator[None]:
    """Show every step opened inside as a progress bar on the console."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:<34}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as bar:

        @contextmanager
        def bar_step(name: str, total: int | None) -> Iterator[Advance]:
            task = bar.add_task(name, total=total)
            yield lambda count: bar.advance(task, count)
            done = bar.tasks[task].completed
            bar.update(task, total=done, completed=done)

        token = _CURRENT.set(bar_step)
        try:
            yield
        finally:
            _CURRENT.reset(token)
