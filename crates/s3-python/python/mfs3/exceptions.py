"""The exceptions of the S3 client, with the names of Metaflow's, such as `MetaflowS3NotFound`.

They derive from `MetaflowException` if Metaflow is loaded. Besides the message they carry:

* `kind`: the kind of the failure, such as `"NotFound"` or `"Network"`,
* `attempts`: how many requests were sent,
* `status`: the HTTP status,
* `outcomes` and `index`, of a call on many objects: one dictionary per input, and the failing input.
"""

import sys
from typing import Any


class _Standalone(Exception):
    """Replaces `MetaflowException` as the base class until Metaflow is loaded."""

    headline: str = "S3 access failed"

    def __init__(self, msg: str = "", lineno: int | None = None, source_file: str | None = None) -> None:
        self.message = msg
        self.line_no = lineno
        self.source_file = source_file
        super().__init__()

    def __str__(self) -> str:
        return self.message


class _Details(Exception):
    kind: str | None = None
    attempts: int | None = None
    status: int | None = None
    outcomes: list[dict[str, Any]] | None = None
    index: int | None = None
    message: str

    def __reduce__(self) -> Any:
        return _rebuild, (type(self), self.message, dict(self.__dict__))


def _rebuild(cls: Any, message: str, state: dict[str, Any]) -> Any:
    error = cls(message)
    error.__dict__.update(state)
    return error


class MetaflowS3InvalidObject(_Details, _Standalone):
    headline = "Not a string-like object"


class MetaflowS3URLException(_Details, _Standalone):
    headline = "Invalid address"


class MetaflowS3Exception(_Details, _Standalone):
    headline = "S3 access failed"


class MetaflowS3NotFound(_Details, _Standalone):
    headline = "S3 object not found"


class MetaflowS3AccessDenied(_Details, _Standalone):
    headline = "S3 access denied"


class MetaflowS3InvalidRange(_Details, _Standalone):
    headline = "S3 invalid range"


class MetaflowS3InsufficientDiskSpace(_Details, _Standalone):
    headline = "Insufficient disk space"


_ALL = [
    MetaflowS3InvalidObject,
    MetaflowS3URLException,
    MetaflowS3Exception,
    MetaflowS3NotFound,
    MetaflowS3AccessDenied,
    MetaflowS3InvalidRange,
    MetaflowS3InsufficientDiskSpace,
]


def adopt_metaflow() -> None:
    """Makes the exceptions derive from `MetaflowException`, if Metaflow is loaded."""
    module = sys.modules.get("metaflow.exception")
    base = getattr(module, "MetaflowException", None)
    if base is None:
        return
    for cls in _ALL:
        if not issubclass(cls, base):
            cls.__bases__ = (_Details, base)


adopt_metaflow()
