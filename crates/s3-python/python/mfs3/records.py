"""Named tuples for arguments and results of the S3 client: `S3GetObject`, `S3PutObject`, `RangeInfo`, `SyncSummary`."""

from typing import Any, NamedTuple, Optional


class S3GetObject(NamedTuple):
    """An object to download, or a range of it. `(None, -n)` are the last n bytes."""

    key: str
    offset: Optional[int]
    length: Optional[int]


class S3PutObject(NamedTuple):
    """An object to upload: `put_many` sends `value`, `put_files` the file at `path`."""

    key: str
    value: Optional[object] = None
    path: Any = None
    content_type: Optional[str] = None
    encryption: Optional[str] = None
    metadata: Optional[dict[str, Any]] = None


class RangeInfo(NamedTuple):
    """Which bytes of an object were downloaded."""

    total_size: int
    request_offset: int = 0
    request_length: int = -1


class SyncSummary(NamedTuple):
    """The result of a sync, or of a dry run of it."""

    transferred: int
    deleted: int
    unchanged: int
