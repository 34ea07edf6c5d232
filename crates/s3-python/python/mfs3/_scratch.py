"""Files for objects that were unpickled with their bytes."""

import atexit
import os
import shutil
import tempfile

_directory = None
_process = None


def write(blob):
    """Writes the bytes to a new file and returns its path. The file lives as long as the process."""
    global _directory, _process
    if _process != os.getpid():
        _directory = tempfile.mkdtemp(prefix="metaflow.s3.")
        _process = os.getpid()
        atexit.register(_remove, _directory, _process)
    descriptor, path = tempfile.mkstemp(dir=_directory)
    with os.fdopen(descriptor, "wb") as file:
        file.write(blob)
    return path


def _remove(directory, process):
    # A forked child does not own the files of its parent.
    if process == os.getpid():
        shutil.rmtree(directory, ignore_errors=True)
