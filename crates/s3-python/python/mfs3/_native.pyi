"""Type stubs of the native Rust module. Programs use `mfs3` instead: the calls here have plain arguments."""

from collections.abc import Callable
from typing import Any, Self, final

from mfs3.records import RangeInfo

__all__ = [
    "Call",
    "Client",
    "Engine",
    "Reader",
    "RecordBatches",
    "S3Object",
    "Writer",
    "config_from_env",
    "leave_python",
]

_Done = Callable[[Any, BaseException | None], None] | None
_Progress = Callable[[int], object] | None
_Range = tuple[str | None, int | None, int | None]
_Put = tuple[str | None, Any, str | None, str | None, str | None]

class S3Object:
    """An object, a prefix, or a missing object."""

    def __new__(
        cls,
        prefix: str | None = None,
        url: str | None = None,
        path: str | None = None,
        size: int | None = None,
        content_type: str | None = None,
        metadata: dict[str, str] | None = None,
        range_info: tuple[int, int | None, int | None] | None = None,
        last_modified: float | None = None,
        encryption: str | None = None,
        blob: bytes | None = None,
    ) -> Self: ...
    def __setstate__(self, state: dict[str, Any], /) -> None: ...
    @property
    def exists(self) -> bool: ...
    @property
    def downloaded(self) -> bool: ...
    @property
    def url(self) -> str: ...
    @property
    def prefix(self) -> str | None: ...
    @property
    def key(self) -> str: ...
    @property
    def path(self) -> str | None: ...
    @property
    def blob(self) -> bytes | None: ...
    @property
    def view(self) -> memoryview | None: ...
    @property
    def text(self) -> str | None: ...
    @property
    def size(self) -> int | None: ...
    @property
    def has_info(self) -> bool: ...
    @property
    def metadata(self) -> Any: ...
    @property
    def content_type(self) -> str | None: ...
    @property
    def encryption(self) -> str | None: ...
    @property
    def range_info(self) -> RangeInfo | None: ...
    @property
    def last_modified(self) -> float | None: ...
    @property
    def etag(self) -> str | None: ...
    @property
    def version(self) -> str | None: ...
    @property
    def storage_class(self) -> str | None: ...
    @property
    def user_metadata(self) -> dict[str, str] | None: ...

@final
class RecordBatches:
    """Rows that libraries with Arrow read, once: `pandas.DataFrame.from_arrow`, `polars.DataFrame`, `pyarrow.table`."""

    @property
    def parts(self) -> list[str]: ...
    def __arrow_c_schema__(self) -> object: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

@final
class Engine:
    def __new__(
        cls,
        *,
        endpoint: str | None = None,
        region: str | None = None,
        profile: str | None = None,
        credentials: Callable[[], tuple[str, str, str | None]] | None = None,
        anonymous: bool = False,
        requester_pays: bool = False,
        virtual_host: bool | None = None,
        ca_bundle: str | None = None,
        attempts: int | None = None,
        worker_count: int | None = None,
        max_in_memory: int | None = None,
        memory: int | None = None,
    ) -> Engine: ...
    def injecting(
        self, percent: int, *, attempts: int | None = None, worker_count: int | None = None
    ) -> Engine: ...
    def is_ours(self) -> bool: ...

@final
class Call:
    def cancel(self) -> None: ...

@final
class Reader:
    def read(self, size: int, *, done: _Done = None) -> Any: ...
    def close(self) -> None: ...

@final
class Writer:
    def write(self, data: bytes | bytearray | memoryview, *, done: _Done = None) -> Any:
        """With `done`, it still returns the length at once if nothing waits for the upload."""
    def finish(self, *, done: _Done = None) -> Any: ...
    def abort(self) -> None: ...

@final
class Client:
    """Each call returns its result, or with `done` a `Call`."""

    def __new__(
        cls,
        engine: Engine,
        *,
        root: str | None = None,
        tmproot: str,
        encryption: str | None = None,
        keep_files: bool = False,
        injecting: Engine | None = None,
    ) -> Client: ...
    def is_ours(self) -> bool: ...
    def has_scratch(self) -> bool: ...
    def scratch_path(self) -> str | None: ...
    def get(
        self,
        key: str | None,
        offset: int | None = None,
        length: int | None = None,
        *,
        etag: str | None = None,
        return_missing: bool = False,
        return_info: bool = True,
        progress: _Progress = None,
        done: _Done = None,
    ) -> Any: ...
    def get_many(
        self,
        keys: list[_Range],
        *,
        return_missing: bool = False,
        return_info: bool = True,
        progress: _Progress = None,
        done: _Done = None,
    ) -> Any: ...
    def get_ranges(
        self, objects: list[tuple[str, list[tuple[int, int]]]], gap: int, *, done: _Done = None
    ) -> Any: ...
    def get_recursive(
        self, keys: list[str | None], return_info: bool, *, progress: _Progress = None, done: _Done = None
    ) -> Any: ...
    def get_all(self, return_info: bool, *, progress: _Progress = None, done: _Done = None) -> Any: ...
    def download_file(
        self,
        key: str | None,
        path: str,
        *,
        return_info: bool = True,
        progress: _Progress = None,
        done: _Done = None,
    ) -> Any: ...
    def download_files(self, files: list[tuple[str, str]], *, progress: _Progress = None) -> list[S3Object]: ...
    def open_reader(
        self,
        key: str | None,
        offset: int | None = None,
        length: int | None = None,
        *,
        etag: str | None = None,
        done: _Done = None,
    ) -> Any: ...
    def sync(
        self,
        source: str,
        target: str,
        *,
        delete: bool = False,
        dry_run: bool = False,
        progress: _Progress = None,
        done: _Done = None,
    ) -> Any: ...
    def list_paths(self, keys: list[str | None] | None = None, *, done: _Done = None) -> Any: ...
    def list_recursive(self, keys: list[str | None] | None = None, *, done: _Done = None) -> Any: ...
    def list_prefix(
        self, prefix: str, *, one_level: bool = False, limit: int | None = None, done: _Done = None
    ) -> Any: ...
    def list_levels(self, prefixes: list[str]) -> tuple[list[Any], list[str]]: ...
    def list_arrow(self, keys: list[str | None] | None = None, *, batch_rows: int) -> RecordBatches: ...
    def read_csv(
        self,
        patterns: list[str],
        *,
        delimiter: str,
        header: bool,
        drop_index: bool,
        pandas_nulls: bool,
        infer_rows: int,
        include_path: str | None,
        batch_rows: int,
    ) -> RecordBatches: ...
    def read_parquet(self, patterns: list[str], *, batch_rows: int) -> RecordBatches: ...
    def info(self, key: str | None, *, return_missing: bool = False, done: _Done = None) -> Any: ...
    def info_many(self, keys: list[str | None], *, return_missing: bool = False, done: _Done = None) -> Any: ...
    def put(
        self,
        key: str | None,
        value: Any,
        content_type: str | None = None,
        metadata: str | None = None,
        *,
        overwrite: bool = True,
        attributes: dict[str, str] | None = None,
        user: dict[str, str] | None = None,
        progress: _Progress = None,
        done: _Done = None,
    ) -> Any: ...
    def put_many(
        self,
        objects: list[_Put],
        *,
        overwrite: bool = True,
        attributes: dict[str, str] | None = None,
        user: dict[str, str] | None = None,
        progress: _Progress = None,
        done: _Done = None,
    ) -> Any: ...
    def open_writer(
        self,
        key: str | None,
        content_type: str | None = None,
        metadata: str | None = None,
        *,
        overwrite: bool = True,
        attributes: dict[str, str] | None = None,
        user: dict[str, str] | None = None,
    ) -> Writer: ...
    def copy(self, source: str | None, target: str | None, *, done: _Done = None) -> Any: ...
    def copy_many(self, pairs: list[tuple[str, str]]) -> list[bool]: ...
    def set_metadata(
        self, key: str, user: dict[str, str | None], *, attributes: dict[str, str] | None = None
    ) -> None: ...
    def tags(self, key: str) -> dict[str, str]: ...
    def set_tags(self, key: str, tags: dict[str, str]) -> None: ...
    def is_versioned(self, bucket: str) -> bool: ...
    def set_versioned(self, bucket: str, yes: bool) -> None: ...
    def list_uploads(self, prefix: str) -> list[tuple[str, str, float | None]]: ...
    def abort_uploads(self, uploads: list[tuple[str, str]]) -> None: ...
    def delete_many(self, keys: list[str | None], *, done: _Done = None) -> Any: ...
    def presign(self, key: str | None, seconds: float, method: str, *, done: _Done = None) -> Any: ...
    def create_bucket(self, name: str) -> None: ...
    def delete_bucket(self, name: str) -> None: ...
    def list_buckets(self) -> list[str]: ...
    def close(self, *, done: _Done = None) -> Any: ...

def config_from_env() -> dict[str, Any]: ...

def leave_python() -> None: ...
