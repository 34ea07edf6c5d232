"""Writes the bytes of unpickled objects to temporary files, when a path is requested."""

import os
import shutil
import tempfile

from mfs3 import _exit

_directory = None
_process = None


def write(blob):
    """Writes the bytes to a new file and returns its path. The file lives as long as the process."""
    global _directory, _process
    if _process != os.getpid():
        _exit.arm()
        _directory = tempfile.mkdtemp(prefix="metaflow.s3.")
        _process = os.getpid()
    descriptor, path = tempfile.mkstemp(dir=_directory)
    with os.fdopen(descriptor, "wb") as file:
        file.write(blob)
    return path


def _remove():
    # A forked child does not own the files of its parent.
    if _process == os.getpid():
        shutil.rmtree(_directory, ignore_errors=True)


_exit.at_exit(_remove)
