"""One thread for linear algebra: sums then have one order, and small matrices no threads that wait for each other."""

from functools import cache

from threadpoolctl import ThreadpoolController

__all__ = ["one_blas_thread"]


@cache
def _threadpools():
    return ThreadpoolController()  # looks through the loaded libraries, which takes milliseconds


def one_blas_thread():
    """Return a context in which BLAS uses one thread.

    BLAS splits sums by its number of threads: with one, neither `n_jobs` nor the machine's cores change the last digit.
    """
    return _threadpools().limit(limits=1, user_api="blas")
