"""`AsyncS3`: the client for asyncio, with the calls of `S3` as coroutines over the same worker pool.

`list_arrow`, `read_csv` and `read_parquet` are missing. No thread waits for a call. A cancelled task cancels its call.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Literal, Self, overload

from mfs3 import _config, _engines
from mfs3._native import Call, Reader, S3Object, Writer
from mfs3.records import S3PutObject, SyncSummary
from mfs3.s3 import _WITH_PROGRESS, S3, Key, Value, _key, _range
from mfs3.streams import PIECE, open_calls, open_writers

__all__ = ["AsyncReader", "AsyncS3", "AsyncWriter"]


#: The function of `AsyncS3.progress` for each client, for the calls of this task.
_UPDATES: "ContextVar[dict[Any, Callable[[int], object]]]" = ContextVar("mfs3_updates", default={})
#: Marks the end of the inputs.
_END: Any = object()


class _Deferred(S3):
    """A client whose calls return coroutines. Arguments are checked before.

    Code that may block runs on a thread: the iterables of a program, and clients of boto3, whose credentials come from
    a server.
    """

    def _prepare(self):
        if not _engines.needs_boto3(_config.Settings(), *self._wanted()):
            self._client()

    async def _call(self, name, *arguments, then=None, **options):
        if name in _WITH_PROGRESS and (update := _UPDATES.get().get(self)) is not None:
            options["progress"] = update
        result = await _run(getattr(await self._ready(), name), *arguments, **options)
        return result if then is None else then(result)

    async def _ready(self):
        """Returns the native client."""
        return self._made(_config.Settings()) or await asyncio.to_thread(self._client)

    async def _put_all(self, batches, overwrite):
        written = []
        while (batch := await asyncio.to_thread(next, batches, _END)) is not _END:
            written += await self._put_batch(batch, overwrite)
        return written


class AsyncReader:
    """An object that is read from its start, with read-ahead. It iterates over pieces of up to 8 MiB."""

    def __init__(self, native: Reader) -> None:
        self._native = native

    async def read(self, size: int | None = -1) -> bytes:
        """Returns the next `size` bytes, fewer at the end only; without a size all that are left."""
        if size is None or size < 0:
            return b"".join([piece async for piece in self])
        try:
            return await _of(_run(self._native.read, size))
        except (asyncio.CancelledError, MemoryError):
            # Bytes that were already received may be lost: later reads would skip them.
            self._native.close()
            raise

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if piece := await self.read(PIECE):
            return piece
        raise StopAsyncIteration


class AsyncWriter:
    """An object that is uploaded as it is written."""

    def __init__(self, native: Writer) -> None:
        self._native = native
        open_writers.add(self)

    async def write(self, data: Any) -> int:
        """Appends bytes, and waits while the upload has enough to send."""
        if type(data) is not bytes:
            # The caller may change it while this waits.
            with memoryview(data) as view:
                data = bytes(view)
        try:
            return await _of(_run(self._native.write, data))
        except asyncio.CancelledError:
            # The upload may have taken the bytes: writing them again would duplicate them.
            self.abort()
            raise

    def abort(self) -> None:
        """Cancels the upload: nothing is written."""
        self._native.abort()


class AsyncS3:
    """A client of S3 for asyncio. Arguments are those of `S3`, and so are the results of its calls."""

    def __init__(self, **arguments: Any) -> None:
        self._calls = _Deferred(**arguments)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        cls: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Removes the temporary directory with all files downloaded by this client."""
        for native in self._calls._natives():
            await _run(native.close)
            if native in self._calls._replaced:
                self._calls._replaced.remove(native)

    # These methods are documented in `S3`.

    async def get(self, key: Key | None = None, return_missing: bool = False, return_info: bool = True) -> S3Object:
        return await _of(self._calls.get(key, return_missing, return_info))

    async def get_many(
        self, keys: Iterable[Key], return_missing: bool = False, return_info: bool = True
    ) -> list[S3Object]:
        return await _of(self._calls.get_many(await _listed(keys), return_missing, return_info))

    async def get_recursive(self, keys: Iterable[Key], return_info: bool = False) -> list[S3Object]:
        return await _of(self._calls.get_recursive(await _listed(keys), return_info))

    async def get_all(self, return_info: bool = False) -> list[S3Object]:
        return await _of(self._calls.get_all(return_info))

    async def list_paths(self, keys: Iterable[Key] | None = None) -> list[S3Object]:
        return await _of(self._calls.list_paths(await _listed(keys)))

    async def list_recursive(self, keys: Iterable[Key] | None = None) -> list[S3Object]:
        return await _of(self._calls.list_recursive(await _listed(keys)))

    async def info(self, key: Key | None = None, return_missing: bool = False) -> S3Object:
        return await _of(self._calls.info(key, return_missing))

    async def info_many(self, keys: Iterable[Key], return_missing: bool = False) -> list[S3Object]:
        return await _of(self._calls.info_many(await _listed(keys), return_missing))

    async def put(
        self,
        key: Key,
        obj: Value,
        overwrite: bool = True,
        content_type: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> str:
        return await _of(self._calls.put(key, obj, overwrite, content_type, metadata))

    async def put_many(
        self, key_objs: "Iterable[S3PutObject | tuple[str, Value]]", overwrite: bool = True
    ) -> list[tuple[str, str]]:
        return await _of(self._calls.put_many(key_objs, overwrite))

    async def put_files(
        self, key_paths: "Iterable[S3PutObject | tuple[str, str | os.PathLike[str]]]", overwrite: bool = True
    ) -> list[tuple[str, str]]:
        return await _of(self._calls.put_files(key_paths, overwrite))

    async def delete(self, key: Key) -> str:
        return await _of(self._calls.delete(key))

    async def delete_many(self, keys: Iterable[Key]) -> list[str]:
        return await _of(self._calls.delete_many(await _listed(keys)))

    async def copy(self, source: Key, target: Key) -> str:
        return await _of(self._calls.copy(source, target))

    async def presign(self, key: Key, expires: float = 3600, method: Literal["GET", "PUT"] = "GET") -> str:
        return await _of(self._calls.presign(key, expires, method))

    async def download_file(self, key: Key, path: "str | os.PathLike[str]") -> S3Object:
        return await _of(self._calls.download_file(key, path))

    @overload
    def open(self, key: Key, mode: Literal["rb"] = "rb") -> AbstractAsyncContextManager[AsyncReader]: ...

    @overload
    def open(
        self,
        key: Key,
        mode: Literal["wb", "xb"],
        content_type: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> AbstractAsyncContextManager[AsyncWriter]: ...

    def open(
        self,
        key: Key,
        mode: Literal["rb", "wb", "xb"] = "rb",
        content_type: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> AbstractAsyncContextManager[AsyncReader] | AbstractAsyncContextManager[AsyncWriter]:
        """For `async with`: the object appears at the end of the block, and after an exception nothing is written."""
        if mode == "rb":
            return self._reader(key)
        if mode not in ("wb", "xb"):
            raise ValueError("mode %r: rb, wb or xb" % (mode,))
        return self._writer(key, mode, content_type, metadata)

    @asynccontextmanager
    async def _reader(self, key: Key) -> AsyncIterator[AsyncReader]:
        native = await self._calls._call("open_reader", *_range(key))
        try:
            yield AsyncReader(native)
        finally:
            native.close()

    @asynccontextmanager
    async def _writer(
        self, key: Key, mode: str, content_type: str | None, metadata: dict[str, Any] | None
    ) -> AsyncIterator[AsyncWriter]:
        text = json.dumps(metadata) if metadata else None
        name = _key(key)
        client = await self._calls._ready()
        native = client.open_writer(name, content_type or None, text, overwrite=mode == "wb")
        try:
            yield AsyncWriter(native)
            if not await _run(native.finish):
                raise FileExistsError(name or "")
        finally:
            # After the end of the upload, this does nothing.
            native.abort()

    @contextmanager
    def progress(self, update: Callable[[int], object]) -> Iterator[Self]:
        """As `S3.progress`, for the calls of this task and of tasks made inside; `update` runs on the event loop."""
        token = _UPDATES.set({**_UPDATES.get(), self._calls: update})
        try:
            yield self
        finally:
            _UPDATES.reset(token)

    async def sync(
        self,
        source: "str | os.PathLike[str]",
        target: "str | os.PathLike[str]",
        *,
        delete: bool = False,
        dry_run: bool = False,
    ) -> SyncSummary:
        return await _of(self._calls.sync(source, target, delete=delete, dry_run=dry_run))


async def _listed(keys: Iterable[Key] | None) -> Any:
    """Returns the keys as a list. A generator runs on a thread, because it may block."""
    return keys if keys is None or isinstance(keys, (list, tuple)) else await asyncio.to_thread(list, keys)


async def _of(call: Any) -> Any:
    """Awaits a call of `_Deferred`, which is annotated with the type of its result."""
    return await call


async def _run(method: Any, *arguments: Any, progress: Callable[[int], object] | None = None, **options: Any) -> Any:
    """Starts a native call and waits for the end of it. An exception of `progress` cancels the call."""
    loop = asyncio.get_running_loop()
    future = loop.create_future()

    def settle(result: Any, error: BaseException | None) -> None:
        if not future.done():
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

    def update(moved: int) -> None:
        if not future.done():
            try:
                progress(moved)
            except Exception as error:
                future.set_exception(error)

    def on_loop(function: Callable[..., None]) -> Callable[..., None]:
        def called(*results: Any) -> None:
            try:
                loop.call_soon_threadsafe(function, *results)
            except RuntimeError:
                # The loop was closed while the call ran: no task waits any more.
                pass

        return called

    if progress is not None:
        options["progress"] = on_loop(update)
    call = method(*arguments, done=on_loop(settle), **options)
    if not isinstance(call, Call):
        # The result was available immediately.
        return call
    open_calls.add(call)
    try:
        return await future
    finally:
        open_calls.discard(call)
        # This has no effect on a call that has ended.
        call.cancel()
