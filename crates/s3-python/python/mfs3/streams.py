"""`ObjectReader` and `ObjectWriter`: binary files for streaming downloads and uploads."""

import io
import weakref
from typing import Any

from mfs3._native import Call, Reader, Writer

#: Size in bytes of the reads of `read()` without a size.
PIECE = 8 << 20

#: Writers whose uploads are in flight; each has `abort`.
open_writers: "weakref.WeakSet[Any]" = weakref.WeakSet()
#: Calls of asyncio in flight.
open_calls: "set[Call]" = set()


class ObjectReader(io.BufferedIOBase):
    """An object that is read from its start, with read-ahead."""

    def __init__(self, native: Reader) -> None:
        self._native = native

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        if self.closed:
            raise ValueError("read of a closed file")
        if size is not None and size >= 0:
            return self._native.read(size)
        pieces = []
        try:
            while piece := self._native.read(PIECE):
                pieces.append(piece)
            return b"".join(pieces)
        except BaseException:
            # The pieces are lost: later reads would skip them.
            self._native.close()
            raise

    def read1(self, size: int = -1) -> bytes:
        return self.read(PIECE if size < 0 else size)

    def close(self) -> None:
        if not self.closed:
            self._native.close()
        super().close()


class ObjectWriter(io.BufferedIOBase):
    """An object that is uploaded as it is written, and appears when it is closed.

    After an exception in its `with` block, and when it is not closed, nothing is written.
    """

    def __init__(self, native: Writer, url: str) -> None:
        self._native = native
        self._url = url
        open_writers.add(self)

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        if self.closed:
            raise ValueError("write to a closed file")
        if type(data) is bytes:
            # It cannot change, and is not copied.
            return self._native.write(data)
        with memoryview(data) as view:
            return self._native.write(view.cast("B") if view.nbytes else b"")

    def close(self) -> None:
        """Completes the upload."""
        if self.closed:
            return
        try:
            if not self._native.finish():
                raise FileExistsError(self._url)
        finally:
            super().close()

    def abort(self) -> None:
        """Cancels the upload: nothing is written."""
        self._native.abort()
        super().close()

    def __exit__(self, cls: Any, error: Any, trace: Any) -> None:
        if cls is not None:
            self.abort()
        self.close()

    def __del__(self) -> None:
        # The base class would complete the upload.
        if not self.closed:
            self.abort()
