"""The steps of a journey: what it asks of whoever drives it, without any input or output.

A journey is a generator. It yields steps, receives what comes of each, and ends when the pupil
has what it came for. `Unexpected` and `Unanswered` are thrown into it at the step that failed,
and end it where it does not catch them.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

if TYPE_CHECKING:
    from klokken.writes import Kind
    from loadtests.requests import Request, Response

T = TypeVar("T")

# How the cause begins of what was tried as often as it may be.
GAVE_UP = "gave up"


class Unexpected(Exception):  # noqa: N818 - it is a finding about the site, not our error
    """A response is not what the journey needs; the only argument is the cause."""


class Unanswered(Exception):  # noqa: N818 - likewise
    """No response came; the only argument is the cause, one of a few phrases."""


class Busy(Unexpected):
    """The site asks to come again, or has an error of its own; the cause is the status."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A content to be stored, as the log of writes tells of it.

    `deadline` is the second of the storm after which its acknowledgement is late.
    """

    pupil: int
    username: str
    cell: int
    path: str
    kind: Kind
    sha256: str
    size: int
    deadline: float


@dataclass(frozen=True, slots=True)
class Ask:
    """Send `request` of the class `name`; gives what `read` makes of the response.

    `named` may tell the class by that. With `again` it is sent until it is answered, within
    what a client of the drive does; else once. A `draft` is what the request stores.
    """

    name: str
    request: Request
    read: Callable[[Response], Any]
    named: Callable[[Any], str] | None = None
    draft: Draft | None = None
    again: bool = False


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait until a second of the storm; what is asked next was intended then, also in the past."""

    until: float


@dataclass(frozen=True, slots=True)
class Think:
    """Look at what came before asking on; it takes as long as the person is declared to think."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait after the failed `attempt`, counted from 0, of something of the class `name`.

    A `person` pauses as people do, a program of theirs as its retries say.
    """

    name: str
    attempt: int
    person: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """The drive was found to hold `draft`, with this ETag, although it never said so."""

    draft: Draft
    etag: str


@dataclass(frozen=True, slots=True)
class Meant:
    """Gives the moment at which what is asked next was meant to be asked, for an `AsOf`."""


@dataclass(frozen=True, slots=True)
class AsOf:
    """What is asked next was meant at a `moment` that `Meant` gave.

    Between the two stands what is asked only for its sake: to wait for that is to wait for it.
    """

    moment: float


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What came due, a request of the class `name`, is never made: its turn has passed."""

    name: str


Step: TypeAlias = Ask | Wait | Think | Pause | Found | Meant | AsOf | LeftOut
# What yields steps and returns a T.
Steps: TypeAlias = Generator[Step, Any, T]
Journey: TypeAlias = Steps[None]
