"""Operations that no two threads share: how a sum is rounded depends on how many do, and equal seeds give equal bytes.

`torch.set_num_threads` sets OpenMP's number for the calling thread alone, but MKL's, and the one that new threads begin
with, for the process. So every job sets it, and the caller's own number is put back once all jobs are done.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch
from threadpoolctl import threadpool_limits

Task = TypeVar("Task")
Answer = TypeVar("Answer")


@contextmanager
def own_threads_kept() -> Iterator[None]:
    """Put the caller's number of torch's threads back afterwards."""
    threads = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@contextmanager
def unshared() -> Iterator[None]:
    """Neither torch nor NumPy's BLAS shares an operation among threads in this block."""
    with own_threads_kept(), threadpool_limits(1, user_api="blas"):
        torch.set_num_threads(1)
        yield


def dealt_out(work: Callable[[Task], Answer], tasks: Sequence[Task], workers: int) -> Iterator[Answer]:
    """What `work` makes of each task, in their order, on so many threads, none of which shares an operation."""

    def done(task: Task) -> Answer:
        torch.set_num_threads(1)
        return work(task)

    with own_threads_kept(), ThreadPoolExecutor(workers) as pool:
        yield from pool.map(done, tasks)
