"""`map` over work: the same call in this process or over several, with the same results in the same order."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from typing import Protocol, TypeVar

from dokja.errors import InvalidInput

T = TypeVar("T")
R = TypeVar("R")


class Map(Protocol):
    """Applies a function to every piece of work and yields the results in the order of the work."""

    def __call__(self, function: Callable[[T], R], work: Iterable[T], /) -> Iterator[R]:
        """Yield `function(piece)` for each piece; the first error ends the iteration and is raised."""


def in_process(function: Callable[[T], R], work: Iterable[T], /) -> Iterator[R]:
    """Yield the results one after another, computed here."""
    yield from map(function, work)


class InProcesses:
    """Computes in fresh processes, a bounded number of pieces ahead of what is read.

    Args:
        workers: Number of processes, at least 1. The function and every piece must be importable or picklable by
            this program itself; nothing of a submission ever travels this way.

    Raises:
        InvalidInput: Fewer than one process.
    """

    def __init__(self, workers: int) -> None:
        if workers < 1:
            raise InvalidInput(f"Work needs at least one process, not {workers}.")
        self.workers = workers

    def __call__(self, function: Callable[[T], R], work: Iterable[T], /) -> Iterator[R]:
        """Yield the results in the order of the work; see `Map`."""
        # spawn: a fork after BLAS has started its threads can hang.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(self.workers, mp_context=context) as pool:
            pieces = iter(work)
            ahead = deque(pool.submit(function, piece) for piece in islice(pieces, 2 * self.workers))
            try:
                while ahead:
                    result = ahead.popleft().result()
                    ahead.extend(pool.submit(function, piece) for piece in islice(pieces, 1))
                    yield result
            finally:
                pool.shutdown(wait=True, cancel_futures=True)
