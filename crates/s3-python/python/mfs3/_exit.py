"""Runs cleanup functions at the end of the process, and of its multiprocessing children.

A forked child of multiprocessing ends with `os._exit`, so that `atexit` does not run: there, the functions run in a
finalizer of multiprocessing. Nothing runs in a child that is killed or ends with `os._exit` in another way, such as
those of Metaflow's `parallel_map`.
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
    """Registers the finalizer in a multiprocessing child. Call it before creating anything that needs cleanup."""
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
