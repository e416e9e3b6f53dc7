"""How a worker process behaves: one thread, so that workers do not fight for cores."""

from functools import cache

from threadpoolctl import threadpool_limits

from graticule.storage.codecs import limit_threads


@cache
def one_thread() -> None:
    """Cap the numeric libraries and codecs of this process at one thread.

    Every worker calls it, since Ray reuses processes; once in a process is enough, and
    looking for thread pools takes some 10 ms.
    """
    threadpool_limits(1)
    limit_threads(1)
