"""One line of an access log, in HAProxy's HTTP format or the Common Log Format.

Only the time of day and the request are looked at. A line's addresses, users and cookies are
matched and left behind.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable


class Request(NamedTuple):
    """A line that was read: `minute` counts from midnight by the log's own clock.

    `method` and `path` (without host and query) are empty where a connection brought no request.
    """

    day: date
    minute: int
    method: bytes
    path: bytes


Reader: TypeAlias = "Callable[[bytes], Request | None]"

_MOMENT = rb"\[(\d\d/[A-Z][a-z]{2}/\d{4}):([01]\d|2[0-3]):([0-5]\d):[0-6]\d"
# `option httplog`, `option httpslog` and what the role `edge` writes: client, moment, frontend,
# backend/server, five timers, status, bytes, with or without two cookies, termination, counts of
# connections and of queues, captured headers, then the request in quotes or as bare words.
# Other than that, a connection that failed has `frontend/listener: why`. What a syslog daemon
# puts in front ends with a blank.
_HAPROXY = re.compile(
    rb"(?:^| )[^ ]+:\d+ " + _MOMENT + rb"\.\d{3}\] [^ ]+"
    rb"(?:: | [^ ]+/[^ ]+ (?:[-+]?\d+/){4}[-+]?\d+ -?\d+ \+?\d+ (?:[^ ]+ [^ ]+ )?[A-Za-z-]{4}"
    rb" (?:\d+/){4}\+?\d+ \d+/\d+ (?:\{[^}]*\} ){0,2}\"?([^ \"]+)(?: ([^ \"]+))?)"
)
# Host, identity and user, the last of which may hold blanks; the moment, the request in quotes,
# status and bytes; what follows, as in the combined format, may be anything.
_COMMON = re.compile(
    rb"[^ ]+ .*?" + _MOMENT + rb" [-+]\d{4}\] "
    rb"\"(?:([A-Z]+) ([^ \"\\]+)(?: [^\"\\]*)?|(?:[^\"\\]|\\.)*)\" \d{3} (?:\d+|-)(?: |$)"
)

# HAProxy on itself and its servers, which stands among the requests in a journal.
_NOTICE = re.compile(
    rb"(?:^| )(?:\[(?:NOTICE|WARNING|ALERT)\] +\(\d+\) : |Server [^ ]+/[^ ]+ is "
    rb"|backend [^ ]+ has no server|Proxy [^ ]+ (?:started|stopped))"
)


def haproxy(line: bytes) -> Request | None:
    """Return what a line of HAProxy's HTTP log says, or None where it is none."""
    return _request(_HAPROXY.search(line))


def common(line: bytes) -> Request | None:
    """Return what a line in the Common or Combined Log Format says, or None where it is none."""
    return _request(_COMMON.match(line))


def is_notice(line: bytes) -> bool:
    """Return whether HAProxy tells of itself in this line, rather than of a request."""
    return bool(_NOTICE.search(line))


READERS: dict[str, Reader] = {"haproxy": haproxy, "common": common}


def _request(found: re.Match[bytes] | None) -> Request | None:
    if found is None:
        return None
    written, hour, minute, method, target = found.groups()
    day = _day(written)
    if day is None:
        return None
    return Request(day, int(hour) * 60 + int(minute), method or b"", _path(target or b""))


@lru_cache(maxsize=64)
def _day(written: bytes) -> date | None:
    """Return the day that is `written` as 21/Nov/2025, in English wherever this runs."""
    try:
        day, month, year = written.decode().split("/")
        return date(int(year), _MONTHS.index(month) + 1, int(day))
    except ValueError:
        return None


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _path(target: bytes) -> bytes:
    """Return the path of a request's target, which has a host before it in HTTP/2."""
    path = target.partition(b"?")[0]
    if path.startswith((b"https://", b"http://")):
        return b"/" + path.partition(b"://")[2].partition(b"/")[2]
    return path
