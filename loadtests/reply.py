"""An HTTP/1.1 response as it comes over the wire: where it ends, and the few headers needed.

RFC 9112 in the half that a client which pipelines nothing needs. It is of our own because a
login is three small responses: a parser that calls back for every header costs as much as the
rest of reading them. What is ambiguous is broken, never guessed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# The largest head of a response, and the longest line that says how large a chunk is, in bytes.
MOST_HEAD = 64 * 1024
_MOST_LINE = 4096
_NEEDED = {
    b"connection",
    b"content-length",
    b"etag",
    b"location",
    b"set-cookie",
    b"transfer-encoding",
}
_INTERIM = range(100, 200)
_SWITCHING = 101
_BODILESS = {204, 304}
_VERSIONS = {b"HTTP/1.0", b"HTTP/1.1"}


class ClosedError(Exception):
    """The site closed the connection where a response should have begun."""


class BrokenError(Exception):
    """What came is no HTTP response, or only a part of one."""


class Reply:
    """One response to a request of `method`; `receive` gives what came next, b"" at the end."""

    __slots__ = ("_headers", "_method", "_receive", "_rest", "_version", "closes", "status")

    def __init__(self, receive: Callable[[], bytes], method: str) -> None:
        """Read the head; raise ClosedError or BrokenError."""
        self._receive = receive
        self._method = method
        self._rest = receive()
        if not self._rest:
            raise ClosedError
        self.status = self._head()
        while self.status in _INTERIM:
            if self.status == _SWITCHING:
                raise BrokenError
            self.status = self._head()
        # Whether nothing more can follow on this connection; known once the body was read.
        self.closes = True

    def all(self, name: bytes) -> tuple[str, ...]:
        """Return every value of one of the needed headers."""
        return tuple(self._headers.get(name, ()))

    def first(self, name: bytes) -> str:
        """Return the first value of one of the needed headers, empty where there is none."""
        return self._headers.get(name, [""])[0]

    def body(self) -> Iterator[bytes]:
        """Yield the body piece by piece; raise BrokenError where it ends early."""
        framed = True
        if self._method == "HEAD" or self.status in _BODILESS:
            pass
        elif codings := self._listed(b"transfer-encoding"):
            if codings != ["chunked"] or b"content-length" in self._headers:
                raise BrokenError
            yield from self._chunks()
        elif lengths := set(self._listed(b"content-length")):
            length = lengths.pop()
            if lengths or not (length.isascii() and length.isdigit()):
                raise BrokenError
            yield from self._exactly(int(length))
        else:
            framed = False
            while block := self._some():
                yield block
        options = self._listed(b"connection")
        lasts = "keep-alive" in options if self._version == b"HTTP/1.0" else "close" not in options
        # What is left over was never asked for: the next answer must not begin with it.
        self.closes = not (framed and lasts) or bool(self._rest)

    def _head(self) -> int:
        """Read one head, keep what is needed of its headers, and return its status."""
        status, *lines = self._until(b"\r\n\r\n", MOST_HEAD).split(b"\r\n")
        self._version, _, rest = status.partition(b" ")
        code = rest[:3]
        if self._version not in _VERSIONS or not code.isdigit() or rest[3:4].strip():
            raise BrokenError
        self._headers: dict[bytes, list[str]] = {}
        for line in lines:
            name, colon, value = line.partition(b":")
            if not colon or not name or name.strip() != name:
                raise BrokenError
            name = name.lower()
            if name in _NEEDED:
                self._headers.setdefault(name, []).append(value.strip(b" \t").decode("latin-1"))
        return int(code)

    def _listed(self, name: bytes) -> list[str]:
        """Return the members of a header that is a list."""
        values = self._headers.get(name, ())
        return [part.strip().lower() for value in values for part in value.split(",")]

    def _chunks(self) -> Iterator[bytes]:
        while size := self._size():
            yield from self._exactly(size)
            if self._until(b"\r\n", 2):
                raise BrokenError
        while self._until(b"\r\n", _MOST_LINE):
            pass

    def _size(self) -> int:
        digits = self._until(b"\r\n", _MOST_LINE).partition(b";")[0].strip(b" \t")
        if not digits.isalnum():
            raise BrokenError
        try:
            return int(digits, 16)
        except ValueError:
            raise BrokenError from None

    def _exactly(self, length: int) -> Iterator[bytes]:
        while length:
            block = self._some()
            if not block:
                raise BrokenError
            if len(block) > length:
                block, self._rest = block[:length], block[length:]
            length -= len(block)
            yield block

    def _some(self) -> bytes:
        block, self._rest = self._rest or self._receive(), b""
        return block

    def _until(self, mark: bytes, most: int) -> bytes:
        """Return what comes before `mark`, which is read as well."""
        while (at := self._rest.find(mark)) < 0:
            if len(self._rest) > most + len(mark):
                raise BrokenError
            more = self._receive()
            if not more:
                raise BrokenError
            self._rest += more
        found, self._rest = self._rest[:at], self._rest[at + len(mark) :]
        return found
