"""The drive's part: one pure function a request, and one for what its answer says.

Addresses are origin-form; every request goes to the origin of a drive cell and still needs the
pupil's token. A cause of `Unexpected` is one of a few phrases.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from loadtests.requests import Headers, Request
from loadtests.steps import Unexpected

if TYPE_CHECKING:
    from loadtests.requests import Response

CONFLICT = "conflict"

_OK, _CREATED, _NO_CONTENT, _NOT_FOUND = 200, 201, 204, 404
# What WebDAV answers where a folder is to be made that is there (RFC 4918, 9.3.1).
_NOT_ALLOWED = 405
# The drive says 409 where the standard says 412.
_CONFLICTS = (409, 412)
_DRIVES = "/graph/v1.0/me/drives?%24filter=driveType%20eq%20%27personal%27"
_IDENTITY = re.compile(r"[A-Za-z0-9$!_.-]{1,300}")
_PROPERTIES = (
    b'<?xml version="1.0" encoding="utf-8"?><d:propfind xmlns:d="DAV:"><d:prop>'
    b"<d:resourcetype/><d:getcontentlength/><d:getetag/></d:prop></d:propfind>"
)


@dataclass(frozen=True, slots=True)
class Drive:
    """A person's own space: its root as a request target, and whether it was never used."""

    root: str
    empty: bool

    def at(self, path: str) -> str:
        """Return the request target of the document or folder at `path`."""
        return f"{self.root}/{quote(path)}"


@dataclass(frozen=True, slots=True)
class Content:
    """A stored document as it was fetched."""

    body: bytes
    etag: str


def drives(origin: str) -> Request:
    """Ask for the personal space. A pupil's very first request makes the account."""
    return Request(origin, "GET", _DRIVES)


def drive(response: Response) -> Drive:
    """Return the personal space that the answer tells of."""
    _expect(response, _OK)
    try:
        first = json.loads(response.body)["value"][0]
        identity, used = first["id"], first.get("quota", {}).get("used", 0)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        raise Unexpected("no drive") from None
    number = isinstance(used, int) and not isinstance(used, bool)
    if not (isinstance(identity, str) and _IDENTITY.fullmatch(identity) and number):
        raise Unexpected("no drive")
    return Drive(f"/dav/spaces/{quote(identity, safe='$!')}", empty=used == 0)


def properties(origin: str, target: str, depth: Literal[0, 1]) -> Request:
    """Ask for kind, size and ETag of a folder or document, with `depth` 1 also of what it holds."""
    headers = (("Depth", str(depth)), ("Content-Type", "application/xml"))
    return Request(origin, "PROPFIND", target, headers, _PROPERTIES)


def get(origin: str, target: str, *, bulk: bool = False) -> Request:
    """Fetch a document; a `bulk` one is counted rather than kept."""
    return Request(origin, "GET", target, bulk=bulk)


def put(origin: str, target: str, body: bytes, etag: str) -> Request:
    """Store a document in place of the one with `etag`, or a new one where that is empty.

    The checksum goes along, as with ownCloud's own clients: without it the drive takes the part
    of a document that came before a connection broke for the whole.
    """
    checksum = hashlib.sha1(body, usedforsecurity=False).hexdigest()
    headers: Headers = (
        ("Content-Type", "text/plain; charset=utf-8"),
        ("OC-Checksum", f"SHA1:{checksum}"),
    )
    if etag:
        headers += (("If-Match", f'"{etag}"'),)
    return Request(origin, "PUT", target, headers, body)


def make(origin: str, target: str) -> Request:
    """Make a folder."""
    return Request(origin, "MKCOL", target)


def made(response: Response) -> None:
    """Check that the folder is there: made now, or before."""
    _expect(response, _CREATED, _NOT_ALLOWED)


def content(response: Response) -> Content:
    """Return the document that was fetched."""
    _expect(response, _OK)
    if not response.etag:
        raise Unexpected("no ETag")
    return Content(response.body, response.etag)


def current(response: Response) -> Content | None:
    """Return the document that is there now, or None where none is."""
    return None if response.status == _NOT_FOUND else content(response)


def length(response: Response, expected: int) -> None:
    """Check that a document came whole."""
    _expect(response, _OK)
    if response.length != expected:
        raise Unexpected("wrong size")


def stored(response: Response) -> str:
    """Return the ETag of what was stored."""
    if response.status in _CONFLICTS:
        raise Unexpected(CONFLICT)
    _expect(response, _CREATED, _NO_CONTENT)
    if not response.etag:
        raise Unexpected("no ETag")
    return response.etag


def _expect(response: Response, *statuses: int) -> None:
    if response.status not in statuses:
        raise Unexpected(str(response.status))
