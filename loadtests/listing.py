"""What a folder holds: the part of a WebDAV multistatus (RFC 4918, 13) that pupils need.

Expat reads it, since a class folder is read on every teacher's morning and a tree would cost
several times as much. A document type, the door to entities that grow, is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit
from xml.parsers.expat import ExpatError, ParserCreate

from loadtests.steps import Unexpected

if TYPE_CHECKING:
    from loadtests.requests import Response

MULTI_STATUS = 207
# A folder of some ten thousand documents; more is not what a pupil has.
MOST_BYTES = 8 * 2**20

_LEAVES = {"DAV: href", "DAV: status", "DAV: getcontentlength", "DAV: getetag"}


@dataclass(frozen=True, slots=True)
class Entry:
    """A folder or document: its unquoted path, size in bytes and bare ETag."""

    path: str
    folder: bool
    size: int
    etag: str

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]


def bare(etag: str) -> str:
    """Return an ETag without its quotes and without the mark of a weak one."""
    return etag.strip().removeprefix("W/").strip('"')


def entries(response: Response) -> list[Entry]:
    """Return everything that the answer tells of, in its order."""
    if response.status != MULTI_STATUS:
        raise Unexpected(str(response.status))
    if len(response.body) > MOST_BYTES:
        raise Unexpected("listing too long")
    reader = _Reader()
    try:
        return reader.read(response.body)
    except (ExpatError, ValueError, LookupError):
        raise Unexpected("broken listing") from None


def held(response: Response, target: str) -> dict[str, Entry]:
    """Return what the folder at the request `target` holds, by name."""
    folder = unquote(target).rstrip("/")
    return {entry.name: entry for entry in entries(response) if entry.path != folder}


class _Reader:
    """Collects entries while expat goes through a document."""

    def __init__(self) -> None:
        self._found: list[Entry] = []
        self._text: list[str] | None = None
        self._forget()

    def read(self, body: bytes) -> list[Entry]:
        parser = ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.Parse(body, True)  # noqa: FBT003 - expat takes no keywords
        return self._found

    def _forget(self) -> None:
        self._href = ""
        self._kept: dict[str, str] = {}
        self._props: dict[str, str] = {}

    def _refuse(self, *_: object) -> None:
        raise ValueError("a document type")

    def _start(self, name: str, _: dict[str, str]) -> None:
        if name in _LEAVES:
            self._text = []
        elif name == "DAV: collection":
            self._props[name] = ""

    def _characters(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)

    def _end(self, name: str) -> None:
        if name == "DAV: response":
            self._add()
        elif name == "DAV: propstat":
            if " 200 " in self._props.get("DAV: status", "") + " ":
                self._kept |= self._props
            self._props = {}
        elif name in _LEAVES and self._text is not None:
            text, self._text = "".join(self._text), None
            if name == "DAV: href":
                self._href = self._href or text
            else:
                self._props[name] = text

    def _add(self) -> None:
        size = self._kept.get("DAV: getcontentlength") or "0"
        path = unquote(urlsplit(self._href.strip()).path).rstrip("/")
        if not path or not (size.isascii() and size.isdigit()):
            raise ValueError("an entry without a path or a size")
        etag = bare(self._kept.get("DAV: getetag", ""))
        self._found.append(Entry(path, "DAV: collection" in self._kept, int(size), etag))
        self._forget()
