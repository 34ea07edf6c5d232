"""Converts exceptions of the client to those of Python's file functions, such as `FileNotFoundError`."""

import errno
import os
from types import TracebackType
from typing import Any, Self

from mfs3.exceptions import (
    MetaflowS3AccessDenied,
    MetaflowS3Exception,
    MetaflowS3InsufficientDiskSpace,
    MetaflowS3InvalidRange,
    MetaflowS3NotFound,
    MetaflowS3URLException,
)


class file_errors:
    """Context manager that converts exceptions of the client to those of Python's file functions."""

    def __init__(self, path: Any) -> None:
        self._path = path

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        cls: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, FAILURES):
            text = str(error)
            if error.kind in ("PreconditionFailed", "ChangedDuringRead"):
                # Only reads of open files have conditions.
                text = "%s has changed since it was opened" % self._path
            number, path = _errno_of(error), self._path
            if isinstance(path, list) and error.index is not None:
                # The one of many that failed.
                path = path[error.index]
            raise os_error(number, path, None if number == errno.ENOENT else text) from error


FAILURES = (
    MetaflowS3AccessDenied,
    MetaflowS3Exception,
    MetaflowS3InsufficientDiskSpace,
    MetaflowS3InvalidRange,
    MetaflowS3NotFound,
    MetaflowS3URLException,
)

#: Error numbers by class or kind. `OSError` turns them into `FileNotFoundError` and others.
_ERRNO: dict[Any, int] = {
    MetaflowS3AccessDenied: errno.EACCES,
    MetaflowS3InsufficientDiskSpace: errno.ENOSPC,
    MetaflowS3InvalidRange: errno.EINVAL,
    MetaflowS3NotFound: errno.ENOENT,
    MetaflowS3URLException: errno.EINVAL,
    "AlreadyExists": errno.EEXIST,
    "Archived": errno.EACCES,
    "Cancelled": errno.ECANCELED,
    "ChangedDuringRead": errno.EBUSY,
    "Config": errno.EINVAL,
    "Conflict": errno.EBUSY,
    "InvalidInput": errno.EINVAL,
    "PreconditionFailed": errno.EBUSY,
    "Throttled": errno.EBUSY,
    "Timeout": errno.ETIMEDOUT,
    "Unsupported": errno.ENOSYS,
}


def _errno_of(error: Any) -> int:
    if error.kind == "InvalidInput" and error.status == 409:
        # A bucket with objects.
        return errno.ENOTEMPTY
    return _ERRNO.get(type(error)) or _ERRNO.get(error.kind, errno.EIO)


def os_error(number: int, path: Any, text: str | None = None) -> OSError:
    """Returns the exception that file functions raise for this error number."""
    if not isinstance(path, (str, os.PathLike)):
        return OSError(number, text or os.strerror(number))
    return OSError(number, text or os.strerror(number), os.fspath(path))
