"""Sharing a folder: the requests of the drive's sharing API (OCS), and what its answers say."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from loadtests.requests import Request
from loadtests.steps import Unexpected

if TYPE_CHECKING:
    from loadtests.requests import Response

_SHARES = "/ocs/v2.php/apps/files_sharing/api/v1/shares"
_FORM = (("Content-Type", "application/x-www-form-urlencoded"),)
_WITH_A_PERSON, _MAY_READ = 0, 1
_OK = 200
_IDENTITY = re.compile(r"[A-Za-z0-9:$!_.-]{1,300}")


def share(origin: str, folder: str, username: str) -> Request:
    """Share `folder`, a path in one's own space, with a person, who may read it."""
    form = {
        "shareType": _WITH_A_PERSON,
        "shareWith": username,
        "path": f"/{folder}",
        "permissions": _MAY_READ,
    }
    return Request(origin, "POST", f"{_SHARES}?format=json", _FORM, urlencode(form).encode())


def shared(response: Response) -> str:
    """Return the identity of the share that was made."""
    found = _data(response)
    identity = found.get("id") if isinstance(found, dict) else None
    if not isinstance(identity, str) or not _IDENTITY.fullmatch(identity):
        raise Unexpected("no share")
    return identity


def shares(origin: str, folder: str) -> Request:
    """Ask with whom `folder` is shared."""
    query = urlencode({"format": "json", "path": f"/{folder}", "reshares": "true"})
    return Request(origin, "GET", f"{_SHARES}?{query}")


def names(response: Response) -> set[str]:
    """Return the names of those whom a folder is shared with."""
    found = _data(response)
    if not isinstance(found, list):
        raise Unexpected("no shares")
    return {str(entry["share_with"]) for entry in found if isinstance(entry, dict)}


def accept(origin: str, identity: str) -> Request:
    """Take a share that somebody has offered."""
    target = f"{_SHARES}/pending/{quote(identity, safe=':$!')}?format=json"
    return Request(origin, "POST", target, _FORM)


def accepted(response: Response) -> None:
    """Check that a share was taken."""
    _data(response)


def _data(response: Response) -> object:
    if response.status != _OK:
        raise Unexpected(str(response.status))
    try:
        return json.loads(response.body)["ocs"]["data"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Unexpected("no answer of the sharing API") from None
