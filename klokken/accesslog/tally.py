"""The logins of an access log, counted by the minute of the day, and the curve that they make."""

from __future__ import annotations

import gzip
import os
import re
import zlib
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, time
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING

import yaml

from klokken.accesslog.formats import READERS, is_notice
from klokken.arrivals import Row, Table
from klokken.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from klokken.accesslog.formats import Reader, Request

MINUTES = 24 * 60
# A pupil sends the login form of Keycloak, whatever the realm.
LOGIN = re.compile(rb"POST /\S*login-actions/authenticate")
# Of a log with more lines than this share that cannot be read, the rest says too little.
_MOST_UNREADABLE = 0.01
# Lines to look at for one whose format is known.
_LINES_TO_KNOW = 1000
# Bytes after which a line counts as several, so that a file without any takes no memory.
_LONGEST = 65_536
_GZIP = b"\x1f\x8b"
# Digits of a share: those of a whole day still sum to 1 well within what a profile asks.
_DIGITS = 10


def of_path(text: str) -> re.Pattern[bytes]:
    """Return the requests whose path begins as `text`, which may have a method before it."""
    found = re.fullmatch("(?:([A-Z]+) )?(/.*)", text)
    if not found:
        raise InputError("arrivals", "path", f"is {text!r}", 'give "/login" or "POST /login"')
    method, start = found.groups()
    return re.compile(f"{method or '[A-Z]+'} {re.escape(start)}".encode())


@dataclass(slots=True)
class Tally:
    """What was counted in a log of `lines` lines: logins by minute of the day, and by day."""

    minutes: list[int] = field(default_factory=lambda: [0] * MINUTES)
    days: Counter[date] = field(default_factory=Counter)
    lines: int = 0
    unreadable: int = 0
    first_unreadable: int = 0

    @property
    def logins(self) -> int:
        """How many there were in all."""
        return self.days.total()

    @property
    def period(self) -> str:
        """Which days they are of."""
        first, last = min(self.days), max(self.days)
        if first == last:
            return f"{first}"
        return f"{len(self.days)} days, {first} to {last}"

    def busiest(self, width: int) -> range:
        """Return the busiest `width` minutes of the day, less those at both ends without logins."""
        sums = [0, *accumulate(self.minutes)]
        start = max(range(MINUTES - width + 1), key=lambda m: sums[m + width] - sums[m])
        busy = [m for m in range(start, start + width) if self.minutes[m]]
        return range(busy[0], busy[-1] + 1)


def tally(path: Path, form: str = "auto", wanted: re.Pattern[bytes] = LOGIN) -> Tally:
    """Count the requests that are `wanted` in the log at `path`, which may be gzipped.

    `form` is one of READERS, or `auto`. The file is read once, line by line. Raises InputError
    about a log that cannot be read, has too much else in it or none of what is wanted.
    """
    counted, read = Tally(), READERS.get(form)
    for number, line in enumerate(_lines(path), start=1):
        text = line.strip()
        if not text:
            continue
        read = read or _reader(text)
        request = read(text) if read else None
        if request is None and is_notice(text):
            continue
        _count(counted, number, request, wanted)
        if read is None and counted.lines >= _LINES_TO_KNOW:
            break
    _check(path, counted, read)
    return counted


def table(counted: Tally, path: Path, minutes: range) -> Table:
    """Return the curve of the logins in these `minutes` of the day, from the log at `path`."""
    counts = [counted.minutes[minute] for minute in minutes]
    total = sum(counts)
    return Table(
        kind="table",
        source=f"Access log {_name(path)}, {counted.period}: {total} logins",
        rows=[
            Row(at=_time(minute), share=round(count / total, _DIGITS))
            for minute, count in zip(minutes, counts, strict=True)
        ],
        closes=_time(minutes.stop),
    )


def section(curve: Table) -> str:
    """Return the section `arrivals` of a profile that has this curve."""
    rows = [{"at": f"{row.at:%H:%M}", "share": row.share} for row in curve.rows]
    closes = f"{curve.closes:%H:%M:%S}".removesuffix(":00")
    body = {"kind": curve.kind, "source": curve.source, "closes": closes, "rows": rows}
    return yaml.safe_dump(
        {"arrivals": body}, sort_keys=False, allow_unicode=True, default_flow_style=None
    )


def _lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file, unpacked where it is gzipped."""
    try:
        with path.open("rb") as raw:
            packed = raw.peek(len(_GZIP)).startswith(_GZIP)
            file = gzip.GzipFile(fileobj=raw) if packed else raw
            yield from iter(partial(file.readline, _LONGEST), b"")
    except FileNotFoundError:
        raise InputError(path, "", "there is no such file", "check the name") from None
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise InputError(path, "", "the gzip file is damaged", "fetch it anew") from None
    except OSError as error:
        raise InputError(path, "", f"cannot be read ({error.strerror})") from None


def _reader(line: bytes) -> Reader | None:
    """Return the reader of the format that the line is in, or None where it is unknown."""
    return next((read for read in READERS.values() if read(line)), None)


def _count(counted: Tally, number: int, request: Request | None, wanted: re.Pattern[bytes]) -> None:
    counted.lines += 1
    if request is None:
        counted.unreadable += 1
        counted.first_unreadable = counted.first_unreadable or number
    elif wanted.match(request.method + b" " + request.path):
        counted.days[request.day] += 1
        counted.minutes[request.minute] += 1


def _check(path: Path, counted: Tally, read: Reader | None) -> None:
    """Raise InputError about a log from which no curve can be drawn. No content is told."""
    first = f"line {counted.first_unreadable}"
    if not counted.lines:
        raise InputError(path, "", "is empty: there is no request in it", "give another log")
    if read is None:
        raise InputError(
            path,
            first,
            "is neither in HAProxy's HTTP log format nor in the common log format",
            "give a log in one of them",
        )
    if counted.unreadable > _MOST_UNREADABLE * counted.lines:
        raise InputError(
            path,
            first,
            f"the first of {counted.unreadable} of {counted.lines} lines that cannot be read",
            "take out what is no access log, or choose another --format",
        )
    if not counted.days:
        raise InputError(
            path,
            "path",
            f"none of {counted.lines} lines is a request of it",
            "give the start of the path of logins with --path",
        )


def _name(path: Path) -> str:
    """Return the file's name, where it is not UTF-8 as near as can be."""
    return os.fsencode(path.name).decode("utf-8", "replace")


def _time(minute: int) -> time:
    """Return a minute of the day; its end is a second early, as no day has a 24:00."""
    return time(23, 59, 59) if minute == MINUTES else time(minute // 60, minute % 60)
