"""`S3`: the client with the interface of Metaflow's `S3` class, over the native module."""

import atexit
import json
import os
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import BufferedIOBase, BytesIO, FileIO, BufferedReader, BufferedRandom, RawIOBase
from types import TracebackType
from typing import Any, Literal, Self, TypeAlias, TypeVar, overload

from mfs3 import _config, _engines, _exit, _native
from mfs3._native import RecordBatches, S3Object
from mfs3.exceptions import (
    MetaflowS3AccessDenied,
    MetaflowS3Exception,
    MetaflowS3InsufficientDiskSpace,
    MetaflowS3InvalidObject,
    MetaflowS3InvalidRange,
    MetaflowS3NotFound,
    MetaflowS3URLException,
)
from mfs3.records import RangeInfo, S3GetObject, S3PutObject, SyncSummary
from mfs3.streams import ObjectReader, ObjectWriter, open_calls, open_writers

__all__ = [
    "S3",
    "S3Object",
    "S3GetObject",
    "S3PutObject",
    "RangeInfo",
    "RecordBatches",
    "SyncSummary",
    "S3Client",
    "check_s3_deps",
    "MetaflowS3InvalidObject",
    "MetaflowS3URLException",
    "MetaflowS3Exception",
    "MetaflowS3NotFound",
    "MetaflowS3AccessDenied",
    "MetaflowS3InvalidRange",
    "MetaflowS3InsufficientDiskSpace",
]

#: A key below the root, or a full URL: text, or anything that has a key, such as a result.
Key: TypeAlias = str | S3GetObject | S3PutObject | S3Object
#: A value that `put` uploads: text, bytes, or a binary stream.
Value: TypeAlias = str | bytes | RawIOBase | BufferedIOBase

_T = TypeVar("_T")

#: Maximum size of a batch of inputs from a generator, in bytes, objects and open files.
_FEED_BYTES = 64 << 20
_FEED_OBJECTS = 10_000
_FEED_FILES = 64

#: The calls that report the number of transferred bytes.
_WITH_PROGRESS = {"get", "get_many", "get_recursive", "get_all", "download_file", "put", "put_many", "sync"}

#: Default of arguments for which `None` has a meaning: the value of the settings.
_CONFIGURED: Any = type("configured", (), {"__repr__": lambda self: "configured"})()

_open_clients = weakref.WeakSet()
#: Native clients of deleted clients, whose files may still be in use.
_with_files = []
_leaked = []


def _close_all():
    for call in list(open_calls):
        call.cancel()
    for writer in list(open_writers):
        writer.abort()
    natives = [native for client in list(_open_clients) for native in client._natives()]
    natives += _with_files + _engines.clients()
    _with_files.clear()
    _close_together([native for native in natives if native.is_ours()])


def _after_fork():
    for client in _open_clients:
        # A thread of the parent may have held it.
        client._making = threading.RLock()
    # These clients and their files belong to the parent.
    _leaked.extend((list(_open_clients), list(_with_files)))
    _open_clients.clear()
    _with_files.clear()


def _close_together(natives):
    """Closes native clients in parallel: a server that does not respond delays all of them by 10 s in total.

    As in Metaflow, files that cannot be removed are left.
    """
    if len(natives) == 1:
        try:
            natives[0].close()
        except Exception:
            pass
        return
    closed = threading.Semaphore(0)
    for native in natives:
        native.close(done=lambda _result, _error: closed.release())
    for _ in natives:
        closed.acquire()


# Functions run in reverse order of registration, so this one runs last.
atexit.register(_native.leave_python)
_exit.at_exit(_close_all)
os.register_at_fork(after_in_child=_after_fork)


def check_s3_deps(func: _T) -> _T:
    """Does nothing: the native client needs no other package."""
    return func


class S3Client(object):
    """A boto3 client that is created when it is needed."""

    def __init__(
        self,
        s3_role_arn: str | None = None,
        s3_session_vars: dict[str, Any] | None = None,
        s3_client_params: dict[str, Any] | None = None,
    ) -> None:
        self._s3_client = None
        self._s3_error = None
        self._s3_role = s3_role_arn
        self._s3_session_vars = s3_session_vars
        self._s3_client_params = s3_client_params

    def __getstate__(self) -> dict[str, Any]:
        # A client of boto3 cannot be pickled, and is made again.
        return {**self.__dict__, "_s3_client": None, "_s3_error": None}

    @property
    def client(self) -> Any:
        if self._s3_client is None:
            self.reset_client()
        return self._s3_client

    @property
    def error(self) -> Any:
        if self._s3_error is None:
            self.reset_client()
        return self._s3_error

    def reset_client(self) -> None:
        try:
            from metaflow.plugins.aws.aws_client import get_aws_client
        except ImportError as error:
            text = "a role, session variables and parameters of boto3 need Metaflow, which makes the client: %s"
            raise MetaflowS3Exception(text % error) from error
        settings = _config.Settings()
        params = self._s3_client_params or settings.get("DATATOOLS_CLIENT_PARAMS") or {}
        self._s3_client, self._s3_error = get_aws_client(
            "s3",
            with_error=True,
            role_arn=self._s3_role,
            session_vars=self._s3_session_vars or settings.get("DATATOOLS_SESSION_VARS"),
            client_params=dict(params),
        )


class S3(object):
    """A client of S3 with the interface of Metaflow's `S3`.

    Parameters
    ----------
    tmproot : str, default TEMPDIR of Metaflow's configuration
        Where the temporary directory is made, when a download needs it. None means the system's.
    bucket : str, optional
        Overrides the bucket of `DATATOOLS_S3ROOT` when `run` is given.
    prefix : str, optional
        Overrides the path of `DATATOOLS_S3ROOT` when `run` is given.
    run : FlowSpec or Run, optional
        Makes keys relative to the directory of a run below `DATATOOLS_S3ROOT`.
    s3root : str, optional
        Makes keys relative to this URL.
    encryption : str, optional
        Server-side encryption of uploads.
    """

    TYPE = "s3"

    @classmethod
    def get_root_from_config(cls, echo: object, create_on_absent: bool = True) -> str | None:
        return _config.Settings().get("DATATOOLS_S3ROOT")

    def __init__(
        self,
        tmproot: "str | os.PathLike[str] | None" = _CONFIGURED,
        bucket: str | None = None,
        prefix: str | None = None,
        run: Any = None,
        s3root: str | None = None,
        encryption: str | None = _CONFIGURED,
        **kwargs: Any,
    ) -> None:
        settings = _config.Settings()
        if tmproot is _CONFIGURED:
            tmproot = settings.get("TEMPDIR")
        if encryption is _CONFIGURED:
            encryption = settings.get("S3_SERVER_SIDE_ENCRYPTION")
        self._s3root = _root(settings, bucket, prefix, run, s3root)
        self._s3_role = kwargs.get("role")
        self._s3_session_vars = kwargs.get("session_vars")
        self._s3_client_params = kwargs.get("client_params")
        self._external_client = kwargs.get("external_client")
        rate = kwargs.get("inject_failure_rate")
        self._s3_inject_failures = settings.inject_failure_rate() if rate is None else int(rate)
        self._tmproot = tmproot
        self._bucket = bucket
        self._prefix = prefix
        self._run = run
        self._encryption = encryption
        if tmproot is None:
            import tempfile

            tmproot = tempfile.gettempdir()
        os.stat(tmproot)
        self._directory = os.path.abspath(tmproot)
        self._reset()
        self._prepare()

    def _prepare(self) -> None:
        """Creates the native client, so that an invalid root is an error of the constructor, not of the first call."""
        self._client()

    def __getstate__(self) -> dict[str, Any]:
        """As in Metaflow, a copy is another client of the same root: it has no files, and makes its own connections."""
        own = ("_native", "_replaced", "_limits", "_progress", "_recipe", "_run", "_making")
        return {name: value for name, value in self.__dict__.items() if name not in own}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        # The object may have been pickled on another machine.
        if not os.path.isdir(self._directory):
            import tempfile

            self._directory = tempfile.gettempdir()
        self._run = None
        self._reset()

    def _reset(self) -> None:
        self._native = None
        self._replaced: list[Any] = []
        self._limits: Any = None
        #: The boto3 client, for callers that use it.
        self._recipe: S3Client | None = None
        self._progress: Callable[[int], object] | None = None
        #: Held while the native client is created.
        self._making = threading.RLock()

    def _client(self):
        """Returns the native client. It is created again in a forked child, and if the limits have changed."""
        settings = _config.Settings()
        if (made := self._made(settings)) is not None:
            return made
        # Before the lock is taken: a forked child replaces the locks of these.
        _open_clients.add(self)
        with self._making:
            # Another thread may have created it meanwhile.
            return self._made(settings) or self._make(settings)

    def _made(self, settings):
        """Returns the native client if this process has created one with the limits of the settings."""
        fits = self._native is not None and self._native.is_ours() and self._limits == _limits(settings)
        return self._native if fits else None

    def _wanted(self):
        """Returns role, session variables, parameters and boto3 client for the creation of the native client."""
        external = self._external_client
        if isinstance(external, S3Client):
            # `S3Client` only has arguments. Without a role, no boto3 client is needed.
            return external._s3_role, external._s3_session_vars, external._s3_client_params, None
        return self._s3_role, self._s3_session_vars, self._s3_client_params, external

    def _make(self, settings):
        limits = _limits(settings)
        engine = _engines.for_settings(settings, *self._wanted())
        injecting = None
        if self._s3_inject_failures > 0:
            attempts, worker_count = limits
            injecting = engine.injecting(
                self._s3_inject_failures, attempts=attempts, worker_count=int(worker_count)
            )
        if self._native is not None and self._native.is_ours():
            # Its files belong to results that may be in use until this client is closed.
            self._replaced.append(self._native)
        self._native = _native.Client(
            engine,
            root=self._s3root,
            tmproot=self._directory,
            encryption=self._encryption or None,
            keep_files=settings.keep_files(),
            injecting=injecting,
        )
        self._limits = limits
        return self._native

    @property
    def _s3_client(self) -> Any:
        if self._external_client is not None:
            return self._external_client
        if self._recipe is None:
            self._recipe = S3Client(self._s3_role, self._s3_session_vars, self._s3_client_params)
        return self._recipe

    @_s3_client.setter
    def _s3_client(self, client: Any) -> None:
        self._external_client = client
        if self._native is not None and self._native.is_ours():
            self._replaced.append(self._native)
        self._native = None

    def _url(self, key: Key | None) -> str:
        """The URL of a key, as Metaflow's private method has it."""
        name = _key(key)
        if self._s3root is None:
            if name is None or not name.startswith("s3://") or "/" not in name[len("s3://") :]:
                raise MetaflowS3URLException(
                    "Initialize S3 with an 's3root' or 'run' if you don't want to specify full s3:// urls."
                )
            return name
        root = self._s3root.rstrip("/")
        if name is None:
            return root
        if name.startswith("s3://"):
            raise MetaflowS3URLException(
                "Don't use absolute S3 URLs when the S3 client is initialized with a prefix. URL: %s" % name
            )
        return "%s/%s" % (root, name.lstrip("/"))

    @property
    def _tmpdir(self) -> str | None:
        return self._client().scratch_path()

    def _call(self, name: str, *arguments: Any, then: Callable[[Any], Any] | None = None, **options: Any) -> Any:
        """Calls the native client, and returns the result, converted with `then`."""
        if self._progress is not None and name in _WITH_PROGRESS:
            options["progress"] = self._progress
        result = getattr(self._client(), name)(*arguments, **options)
        return result if then is None else then(result)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        cls: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Removes the temporary directory with all files downloaded by this client."""
        _close_together([native for native in self._natives() if native.is_ours()])
        self._replaced.clear()

    def __del__(self) -> None:
        # As in Metaflow, the files of a client that was not closed are kept; here until the process ends.
        made = self._natives() if "_native" in self.__dict__ else []
        _with_files.extend(native for native in made if native.has_scratch())

    def _natives(self) -> list[Any]:
        return [native for native in (self._native, *self._replaced) if native is not None]

    # -- reads

    def get(self, key: Key | None = None, return_missing: bool = False, return_info: bool = True) -> S3Object:
        """Downloads an object, or a range of it if given an `S3GetObject`."""
        key, offset, length = _range(key)
        return self._call(
            "get", key, offset, length, return_missing=bool(return_missing), return_info=bool(return_info)
        )

    def get_many(
        self, keys: Iterable[Key], return_missing: bool = False, return_info: bool = True
    ) -> list[S3Object]:
        """Downloads objects in parallel; returns one `S3Object` per key, in order."""
        keys = [_range(key) for key in keys]
        return self._call(
            "get_many", keys, return_missing=bool(return_missing), return_info=bool(return_info)
        )

    def get_recursive(self, keys: Iterable[Key], return_info: bool = False) -> list[S3Object]:
        """Downloads all objects below these directories."""
        return self._call("get_recursive", [_key(key) for key in keys], bool(return_info))

    def get_all(self, return_info: bool = False) -> list[S3Object]:
        """Downloads all objects below the root."""
        if self._s3root is None:
            raise MetaflowS3URLException("Can't get_all() when S3 is initialized without a prefix")
        return self._call("get_all", bool(return_info))

    def list_paths(self, keys: Iterable[Key] | None = None) -> list[S3Object]:
        """Lists one level below the root, or below each of the keys: objects and prefixes."""
        return self._call("list_paths", _keys(keys))

    def list_recursive(self, keys: Iterable[Key] | None = None) -> list[S3Object]:
        """Lists all objects below the root, or below each of the keys."""
        return self._call("list_recursive", _keys(keys))

    def info(self, key: Key | None = None, return_missing: bool = False) -> S3Object:
        """Describes an object."""
        return self._call("info", _key(key), return_missing=bool(return_missing))

    def info_many(self, keys: Iterable[Key], return_missing: bool = False) -> list[S3Object]:
        """Describes objects in parallel; returns one `S3Object` per key, in order."""
        return self._call("info_many", _keys(keys), return_missing=bool(return_missing))

    # -- writes

    def put(
        self,
        key: Key,
        obj: Value,
        overwrite: bool = True,
        content_type: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> str:
        """Uploads an object and returns its URL. With `overwrite=False` an existing object is kept."""
        value = _value(getattr(key, "key", key), obj, rewind=True)
        text = json.dumps(metadata) if metadata else None

        def written(result: Any) -> str:
            if value is not obj or _is_stream(obj):
                _close(obj)
            return result[1]

        return self._call(
            "put", _key(key), value, content_type or None, text, overwrite=bool(overwrite), then=written
        )

    def put_many(
        self, key_objs: "Iterable[S3PutObject | tuple[str, Value]]", overwrite: bool = True
    ) -> list[tuple[str, str]]:
        """Uploads objects in parallel: pairs of key and value, or `S3PutObject`s.

        Returns pairs of key and URL, without objects that were there already and are kept. All inputs are checked before
        the first is sent; of a generator, as many as fit into 64 MiB, and at most 64 open files, are checked and sent at a
        time. It may close a stream after that.
        """
        return self._put_all(_batches(key_objs, _put_entry), overwrite)

    def put_files(
        self, key_paths: "Iterable[S3PutObject | tuple[str, str | os.PathLike[str]]]", overwrite: bool = True
    ) -> list[tuple[str, str]]:
        """Uploads local files in parallel: pairs of key and path, or `S3PutObject`s."""
        return self._put_all(_batches(key_paths, _file_entry), overwrite)

    def _put_all(self, batches: Any, overwrite: bool) -> Any:
        written: list[tuple[str, str]] = []
        for batch in batches:
            written += self._put_batch(batch, overwrite)
        return written

    def _put_batch(self, batch: Any, overwrite: bool) -> Any:
        keys = [given for given, _ in batch]

        def written(results: Any) -> list[tuple[str, str]]:
            return [(given, url) for given, (_, url, already_there) in zip(keys, results) if not already_there]

        return self._call("put_many", [put for _, put in batch], overwrite=bool(overwrite), then=written)

    # -- beyond Metaflow

    def delete(self, key: Key) -> str:
        """Deletes an object and returns its URL. It is no error if there is none."""
        return self._call("delete_many", [_key(key)], then=lambda results: results[0][1])

    def delete_many(self, keys: Iterable[Key]) -> list[str]:
        """Deletes objects, up to 1,000 in a request, and returns their URLs."""
        return self._call("delete_many", _keys(keys), then=lambda results: [url for _, url, _ in results])

    def copy(self, source: Key, target: Key) -> str:
        """Copies an object within S3 and returns the URL of the copy."""
        return self._call("copy", _key(source), _key(target), then=lambda result: result[1])

    @overload
    def open(self, key: Key, mode: Literal["rb"] = "rb") -> ObjectReader: ...

    @overload
    def open(
        self,
        key: Key,
        mode: Literal["wb", "xb"],
        content_type: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> ObjectWriter: ...

    def open(
        self,
        key: Key,
        mode: Literal["rb", "wb", "xb"] = "rb",
        content_type: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> ObjectReader | ObjectWriter:
        """Opens an object, or a range of it if given an `S3GetObject`, as a binary file from start to end.

        A file for writing is uploaded as it is written, and appears when it is closed; with `xb`, closing it fails if
        the object exists.
        """
        if mode == "rb":
            return ObjectReader(self._client().open_reader(*_range(key)))
        if mode not in ("wb", "xb"):
            raise ValueError("mode %r: rb, wb or xb" % (mode,))
        text = json.dumps(metadata) if metadata else None
        name = _key(key)
        writer = self._client().open_writer(name, content_type or None, text, overwrite=mode == "wb")
        return ObjectWriter(writer, name or "")

    def sync(
        self,
        source: "str | os.PathLike[str]",
        target: "str | os.PathLike[str]",
        *,
        delete: bool = False,
        dry_run: bool = False,
    ) -> SyncSummary:
        """Makes the directory `target` equal to `source`: `s3://` URLs or local paths, at least one of them in S3.

        Entries that are newer or have another size are transferred. With `delete`, entries that only the target has are
        deleted, after everything else has succeeded.
        """
        return self._call(
            "sync",
            os.fspath(source),
            os.fspath(target),
            delete=bool(delete),
            dry_run=bool(dry_run),
            then=lambda counts: SyncSummary(*counts),
        )

    @contextmanager
    def progress(self, update: Callable[[int], object]) -> Iterator[Self]:
        """Within the context, calls of this client pass the bytes transferred since the last time to `update`.

        They do so every 50 ms and at the end: `with tqdm(unit="B") as bar, s3.progress(bar.update): ...`. An exception
        of `update` cancels the call.
        """
        before, self._progress = self._progress, update
        try:
            yield self
        finally:
            self._progress = before

    def list_arrow(self, keys: Iterable[Key] | None = None, *, batch_rows: int = 65_536) -> RecordBatches:
        """Lists all objects below the root, or below each of the keys, as Arrow record batches."""
        return self._client().list_arrow(_keys(keys), batch_rows=batch_rows)

    def read_csv(
        self,
        patterns: str | Iterable[str],
        *,
        delimiter: str = ",",
        header: bool = True,
        index: Literal["keep", "drop"] = "keep",
        pandas_nulls: bool = False,
        infer_rows: int = 1000,
        include_path: str | None = None,
        batch_rows: int = 65_536,
    ) -> RecordBatches:
        """Reads the CSV objects that the patterns find as Arrow record batches.

        `index` says whether a first column without a name, as pandas writes it, is kept or dropped; `include_path` names
        a last column with the URL of each row's object.
        """
        if index not in ("keep", "drop"):
            raise ValueError("index %r: keep or drop" % (index,))
        return self._client().read_csv(
            _patterns(patterns),
            delimiter=delimiter,
            header=header,
            drop_index=index == "drop",
            pandas_nulls=pandas_nulls,
            infer_rows=infer_rows,
            include_path=include_path,
            batch_rows=batch_rows,
        )

    def read_parquet(self, patterns: str | Iterable[str], *, batch_rows: int = 65_536) -> RecordBatches:
        """Reads the Parquet objects that the patterns find as Arrow record batches."""
        return self._client().read_parquet(_patterns(patterns), batch_rows=batch_rows)

    def presign(self, key: Key, expires: float = 3600, method: Literal["GET", "PUT"] = "GET") -> str:
        """Returns a URL with which anybody may GET or PUT the object for some seconds."""
        return self._call("presign", _key(key), float(expires), method)

    def download_file(self, key: Key, path: "str | os.PathLike[str]") -> S3Object:
        """Downloads an object to a file, which appears when it is complete."""
        return self._call("download_file", _key(key), os.fspath(path))


def _limits(settings):
    return settings.attempts(), settings.get("S3_WORKER_COUNT")


def _root(settings, bucket, prefix, run, s3root):
    """Returns the root, as in Metaflow: the directory of a run, the given root, or None."""
    if run:
        configured = settings.get("DATATOOLS_S3ROOT")
        if configured is None:
            raise MetaflowS3URLException("DATATOOLS_S3ROOT is not configured when trying to use S3 storage")
        from urllib.parse import urlparse

        parsed = urlparse(configured, allow_fragments=False)
        bucket = bucket or parsed.netloc
        prefix = prefix or parsed.path
        flow, run_id = _names_of_run(run)
        return "s3://%s" % "/".join(
            part for part in (bucket, os.path.join(prefix, flow, run_id).strip("/")) if part
        )
    if s3root:
        if not isinstance(s3root, str):
            raise TypeError("s3root must be str, not %s" % type(s3root).__name__)
        return s3root
    return None


def _names_of_run(run):
    flowspec = getattr(sys.modules.get("metaflow.flowspec"), "FlowSpec", None)
    if flowspec is None or not isinstance(run, flowspec):
        return run.parent.id, run.id
    # Older versions of Metaflow, such as 2.9, have it in another module.
    module = sys.modules.get("metaflow.metaflow_current") or sys.modules["metaflow.current"]
    current = module.current
    if not current.is_running_flow:
        raise MetaflowS3URLException(
            "Initializing S3 with a FlowSpec outside of a running flow is not supported."
        )
    return current.flow_name, current.run_id


def _key(key):
    """Returns the key of a string, an `S3GetObject`, a result, or another object with a key."""
    key = getattr(key, "key", key)
    if key is not None and not isinstance(key, str):
        raise TypeError("a key must be str or None, not %s" % type(key).__name__)
    return key or None


def _keys(keys):
    return None if keys is None else [_key(key) for key in keys]


def _patterns(patterns):
    return [patterns] if isinstance(patterns, str) else list(patterns)


def _range(key):
    offset = getattr(key, "offset", None)
    length = getattr(key, "length", None)
    return (
        _key(key),
        None if offset is None else int(offset),
        None if length is None else int(length),
    )


def _is_stream(obj):
    return isinstance(obj, (RawIOBase, BufferedIOBase))


def _close(obj):
    if _is_stream(obj):
        obj.close()


def _value(key, obj, rewind, may_close=False):
    """Returns the value for the native client, or raises the exception of Metaflow.

    With `may_close`, the caller may close the file of a stream before the upload.
    """
    if isinstance(obj, (str, bytes)):
        return obj
    if not _is_stream(obj):
        raise MetaflowS3InvalidObject(
            "Object corresponding to the key '%s' is not a string or a bytes object." % (key,)
        )
    if not obj.readable() or not obj.seekable():
        raise MetaflowS3InvalidObject(
            "Object corresponding to the key '%s' is not readable or seekable" % (key,)
        )
    if rewind:
        obj.seek(0)
    if type(obj) is BytesIO:
        # At position 0, the bytes are shared with the stream instead of copied.
        return obj.getvalue() if obj.tell() == 0 else obj.read()
    if _is_file(obj) and obj.tell() == 0:
        return _file_of(obj, may_close) or obj
    return obj


def _is_file(stream):
    """Returns whether the bytes of a stream are those of its file. Streams such as GzipFile transform them."""
    raw = stream.raw if type(stream) in (BufferedReader, BufferedRandom) else stream
    return type(raw) is FileIO


class _File(os.PathLike):
    """The path of a file, and optionally the open file that it belongs to, which is kept open."""

    def __init__(self, path, opened=None):
        self._path = path
        self.opened = opened

    def __fspath__(self):
        return self._path


class _Duplicate:
    """A duplicate of a file descriptor, open as long as this object lives."""

    def __init__(self, number):
        self._number = os.dup(number)

    def fileno(self):
        return self._number

    def __del__(self):
        if hasattr(self, "_number"):
            os.close(self._number)


def _file_of(stream, duplicate):
    """Returns the file behind a stream, so that its parts are read in parallel."""
    try:
        if isinstance(stream, BufferedRandom):
            stream.flush()
        opened = _Duplicate(stream.fileno()) if duplicate else stream
        # The path is only valid while the descriptor is open.
        path = "/proc/self/fd/%d" % opened.fileno()
        return _File(path, opened) if os.path.isfile(path) and os.access(path, os.R_OK) else None
    except (OSError, ValueError):
        return None


def _attributes(item):
    metadata = getattr(item, "metadata", None)
    return (
        getattr(item, "content_type", None) or None,
        getattr(item, "encryption", None) or None,
        json.dumps(metadata) if metadata else None,
    )


def _put_entry(item, may_close):
    """Returns the key as given, the entry for the native client, and the size in memory."""
    key, obj = (item.key, item.value) if isinstance(item, S3PutObject) else (item[0], item[1])
    value = _value(key, obj, rewind=False, may_close=may_close)
    size = len(value) if isinstance(value, (str, bytes)) else 0
    return key, (_key(key), value) + _attributes(item), size


def _file_entry(item, may_close):
    key, path = (item.key, item.path) if isinstance(item, S3PutObject) else (item[0], item[1])
    if not os.path.exists(path):
        raise MetaflowS3NotFound("Local file not found: %s" % path)
    return key, (_key(key), _File(os.path.realpath(path))) + _attributes(item), 0


def _batches(inputs, entry):
    """Yields batches of checked inputs: one for a list, several for a generator."""
    if isinstance(inputs, (list, tuple)):
        whole = [entry(item, False)[:2] for item in inputs]
        if whole:
            yield whole
        return
    batch, size, files = [], 0, 0
    for item in inputs:
        given, put, more = entry(item, True)
        batch.append((given, put))
        size += more
        files += getattr(put[1], "opened", None) is not None
        # A stream without a file is uploaded before the generator can close it.
        full = size >= _FEED_BYTES or len(batch) >= _FEED_OBJECTS or files >= _FEED_FILES or _is_stream(put[1])
        item = put = None
        if full:
            yield batch
            batch, size, files = [], 0, 0
    if batch:
        yield batch
