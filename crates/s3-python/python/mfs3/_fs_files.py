"""`S3File`: an open file of the fsspec file system: reads blocks or with read-ahead, writes a streaming upload."""

import errno
import io
import os
from types import TracebackType
from typing import Any

from fsspec.caching import BaseCache, register_cache
from fsspec.spec import AbstractBufferedFile

from mfs3._fs_errors import file_errors, os_error


class S3File(AbstractBufferedFile):
    """An object that is read in blocks, or as a stream where they follow each other, or written as a streaming upload.

    All reads are of the version of the object at the time it was opened.
    """

    DEFAULT_BLOCK_SIZE = 8 << 20
    _writer: Any = None
    #: The end of the last block that was read.
    _end = 0
    #: In a transaction, the file that writes to this one, or this one.
    outermost: Any = None

    def __init__(
        self,
        fs: Any,
        path: str,
        mode: str = "rb",
        *args: Any,
        details: dict[str, Any] | None = None,
        attributes: dict[str, str] | None = None,
        user: dict[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        self._attributes = {"attributes": attributes, "user": user}
        #: The properties of the opened version, for a file that was unpickled.
        self._details = details
        #: The stream or `None`; empty while a thread uses it.
        self._slot: list[_Stream | None] = [None]
        kwargs["cache_type"] = kwargs.get("cache_type") or BlockCache.name
        self._overwrite = mode == "wb"
        # The oldest fsspec does not have the mode xb.
        super().__init__(fs, path, "wb" if mode == "xb" else mode, *args, **kwargs)
        if mode == "rb" and self._details is not None and self._details["type"] == "directory":
            raise os_error(errno.EISDIR, path)

    def __reduce__(self) -> Any:
        if self.mode != "rb":
            raise RuntimeError("a file that is written cannot be pickled")
        options = {
            "block_size": self.blocksize,
            "cache_type": "none" if self.cache is None else self.cache.name,
            "details": self.details,
            "size": self.size,
        }
        return _reopen, (self.fs, self.path, self.loc, options)

    def _fetch_range(self, start: int, end: int) -> bytes:
        follows = start == self._end and start > 0
        self._end = end
        try:
            stream = self._slot.pop()
        except IndexError:
            return self._get_range(start, end)
        try:
            if stream is not None and not stream.is_at(start):
                stream.native.close()
                stream = None
            if stream is None and not follows:
                return self._get_range(start, end)
            with file_errors(self.path):
                if stream is None:
                    url = self.fs._object(self.path)
                    stream = _Stream(self.fs._client().open_reader(url, start, etag=self._etag()), start)
                return stream.read(end - start)
        except BaseException:
            stream = None
            raise
        finally:
            self._slot.append(stream)

    def _get_range(self, start: int, end: int) -> bytes:
        with file_errors(self.path):
            url = self.fs._object(self.path)
            return self.fs._client().get(url, start, end - start, etag=self._etag(), return_info=False).blob

    def _etag(self) -> str | None:
        return self.details.get("ETag")

    def write(self, data: Any) -> int:
        size = memoryview(data).nbytes
        if size < self.blocksize or not self.writable() or self.closed or self.forced:
            return super().write(data)
        # Data of a block or more is not copied to the buffer first.
        self._send(self.buffer.getvalue())
        self.buffer = io.BytesIO()
        if type(data) is bytes:
            # It cannot change, and is not copied.
            self._send(data)
        else:
            with memoryview(data) as view, view.cast("B") as flat:
                self._send(flat)
        self.loc += size
        return size

    def _send(self, data: Any) -> None:
        if self.offset is None:
            try:
                self._initiate_upload()
            except BaseException:
                self.closed = True
                raise
            self.offset = 0
        self.offset += self._write(data)

    def _write(self, data: Any) -> int:
        try:
            with file_errors(self.path):
                return self._writer.write(data)
        except BaseException:
            # Closing the file must not complete an upload that lacks a piece.
            self.discard()
            raise

    def _initiate_upload(self) -> None:
        with file_errors(self.path):
            url = self.fs._object(self.path)
            self._writer = self.fs._client().open_writer(url, overwrite=self._overwrite, **self._attributes)

    def _upload_chunk(self, final: bool = False) -> bool:
        self._write(self.buffer.getvalue())
        if final and self.autocommit:
            self.commit()
        return True

    def url(self, **kwargs: Any) -> str:
        return self.fs.url(self.path, **kwargs)

    def metadata(self, refresh: bool = False, **kwargs: Any) -> dict[str, str]:
        return self.fs.metadata(self.path, **kwargs)

    def getxattr(self, xattr_name: str, **kwargs: Any) -> str | None:
        return self.fs.getxattr(self.path, xattr_name, **kwargs)

    def setxattr(self, copy_kwargs: dict[str, Any] | None = None, **kwargs: str | None) -> None:
        if self.writable():
            raise NotImplementedError("metadata of a file that is written: give Metadata to open")
        self.fs.setxattr(self.path, copy_kwargs, **kwargs)

    def close(self) -> None:
        super().close()
        if self._slot and (stream := self._slot.pop()) is not None:
            stream.native.close()

    def __exit__(
        self,
        cls: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if cls is not None and not self.closed and self.writable():
            # The object would lack the bytes that were not written.
            self.discard()
        self.close()

    def __del__(self) -> None:
        # The base class would complete an upload that lacks the bytes that were not written.
        if self.__dict__.get("mode") in ("wb", "ab") and not self.closed:
            self.discard()

    def commit(self) -> None:
        if not self.closed and not self.forced:
            # The transaction ends before the file was closed.
            outermost, self.outermost = self.outermost or self, None
            outermost.close()
            # A gzip file does not close its underlying file.
            self.close()
        if self._writer is None:
            return
        with file_errors(self.path):
            written = self._writer.finish()
        self._writer = None
        if not written:
            raise os_error(errno.EEXIST, self.path)

    def discard(self) -> None:
        self.closed = True
        self.outermost = None
        if self._writer is not None:
            self._writer.abort()
            self._writer = None


def _reopen(fs: Any, path: str, position: int, options: dict[str, Any]) -> Any:
    file = fs.open(path, "rb", **options)
    file.seek(position)
    return file


class _Stream:
    """A download with read-ahead, for use in the process that opened it."""

    def __init__(self, native: Any, start: int) -> None:
        self.native = native
        self._position = start
        self._process = os.getpid()

    def is_at(self, position: int) -> bool:
        return position == self._position and self._process == os.getpid()

    def read(self, size: int) -> bytes:
        block = self.native.read(size)
        self._position += len(block)
        return block


class BlockCache(BaseCache):
    """Keeps the last block that was read ahead; reads of a block or more bypass it."""

    name = "mfs3-block"

    def __init__(self, blocksize: int, fetcher: Any, size: int) -> None:
        super().__init__(blocksize, fetcher, size)
        #: The block and its start, as one value because several threads may read.
        self._kept = (b"", 0)

    def _fetch(self, start: int | None, stop: int | None) -> bytes:
        start = start or 0
        stop = self.size if stop is None else min(stop, self.size)
        if start >= stop:
            return b""
        kept, kept_from = self._kept
        head = b""
        if kept_from <= start < kept_from + len(kept):
            head = kept[start - kept_from : stop - kept_from]
        start += len(head)
        missing = stop - start
        if missing == 0:
            return head
        if missing >= self.blocksize:
            tail = self.fetcher(start, stop)
            return head + tail if head else tail
        block = self.fetcher(start, min(start + self.blocksize, self.size))
        self._kept = (block, start)
        return head + block[:missing]


register_cache(BlockCache, clobber=True)
