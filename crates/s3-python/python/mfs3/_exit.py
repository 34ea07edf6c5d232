"""Cleanup at the end of a process.

A child of multiprocessing that was forked ends with `os._exit`, and `atexit` does not run: there it is a finalizer of
multiprocessing. Nothing runs in a child that is killed, or that another program ends with `os._exit`, such as those of
Metaflow's `parallel_map`.
"""

import atexit
import os
import sys
from collections.abc import Callable

_functions: list[Callable[[], None]] = []
_armed_process: int | None = None


def at_exit(function: Callable[[], None]) -> None:
    """Calls the function at the end of this process and of its children, the last registered first."""
    _functions.append(function)
    atexit.register(function)


def arm() -> None:
    """Arms a child of multiprocessing. To be called before something is made that has to be cleaned up."""
    global _armed_process
    process = sys.modules.get("multiprocessing.process")
    if process is None or process.parent_process() is None or _armed_process == os.getpid():
        return
    from multiprocessing.util import Finalize

    _armed_process = os.getpid()
    # After the finalizers of others, which may still use a client.
    Finalize(None, _run, exitpriority=-1)


def _run() -> None:
    for function in reversed(_functions):
        function()
