"""One person's journey against the school in memory, on a clock that moves only by sleeping."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from klokken import histogram
from klokken.people import Temper
from klokken.profile import Profile
from klokken.results import Latency, StormPlan
from klokken.writes import Write
from loadtests import journeys
from loadtests.pupil import Desk
from loadtests.record import Recorder
from loadtests.steps import Unanswered
from loadtests.world import World
from tests.loadtests.keycloak import CLIENT, PASSWORD, REALM
from tests.loadtests.school import ORIGINS, School

if TYPE_CHECKING:
    from loadtests.record import Delta
    from loadtests.requests import Request, Response

# The Unix time at which a visit's second 0 is.
OPENED = 1_790_000_000.0


def profile_of(journey: str, **changes: Any) -> Profile:
    """Return the shipped profile of a journey, its paper small, with `changes` of its exam."""
    name = {"login": "minute"}.get(journey, journey)
    profile = Profile.named(name)
    if profile.exam is None:
        return profile
    body = profile.model_dump()
    for field, value in {"paper_bytes": 2000, "paper_files": 3, **changes}.items():
        body["exam"][field]["value"] = value
    return Profile.model_validate(body)


def plan_of(journey: str, origins: tuple[str, ...] = ORIGINS, **changes: Any) -> StormPlan:
    """Return a plan of 30 pupils at the double."""
    profile = changes.pop("profile", None) or profile_of(journey)
    body: dict[str, Any] = {
        "run": "a-run",
        "stack": "test",
        "profile": profile,
        "fraction": 1.0,
        "seed": 1,
        "pupils": 30,
        "opens": profile.arrivals.opens,
        "closes": profile.arrivals.closes,
        "offered": 1,
        "workers": 1,
        "login_url": origins[0],
        "portal_url": origins[1],
        "cell_urls": list(origins[2:]),
        "client_id": CLIENT,
        "realm": REALM,
    }
    return StormPlan.model_validate(body | changes)


class Visit:
    """A visit of the person `number`, who is due at `due`; `run` makes it.

    It follows the journey of the plan's profile, unless `journey` is set to another.
    """

    journey = staticmethod(journeys.journey)

    def __init__(self, plan: StormPlan, number: int = 0, due: float = 0.0, **school: Any) -> None:
        self.plan, self.number, self.due, self.now = plan, number, due, due
        self.closed = 0
        self.school = School(clock=self.unix, **school)
        self.person = World(plan, PASSWORD, self.clock).person(number)
        self.cell = self.school.cell_of(self.person)

    def clock(self) -> float:
        return self.now

    def unix(self) -> float:
        return OPENED + self.now

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.now += seconds

    def send(self, request: Request) -> Response:
        """Take a tenth of a second for every answer."""
        self.now += 0.1
        response = self.school.answer(request)
        if self.school.lost(request):
            raise Unanswered("connection closed")
        return response

    def close(self) -> None:
        self.closed += 1

    def run(self) -> Visit:
        """Go through the whole journey; what was recorded is kept."""
        recorder = Recorder(self.plan.profile.journey)
        world = World(self.plan, PASSWORD, self.clock, self.unix)
        exam, people = self.plan.profile.exam, self.plan.profile.people
        desk = Desk(
            connect=lambda: self,
            journey=partial(self.journey, world),
            recorder=recorder,
            clock=self.clock,
            patience=None if exam else self.plan.patience_seconds,
            listener=lambda *_: None,
            retries=self.plan.retries,
            temper=partial(Temper, people, self.plan.seed) if people else None,
            opened=OPENED,
            sleep=self.sleep,
        )
        recorder.offered(self.due)
        desk.attend(self.number, self.due)
        self.delta: Delta = recorder.take(self.now, final=True)
        return self

    @property
    def ok(self) -> dict[str, int]:
        """How many requests of each class were answered well."""
        return dict(self.delta["ok"])

    @property
    def failures(self) -> dict[tuple[str, str], int]:
        """How many were not, by class and cause."""
        return {(name, cause): n for name, cause, n in self.delta["failures"]}

    @property
    def retries(self) -> dict[str, int]:
        """How often each class was sent again."""
        return dict(self.delta["retries"])

    @property
    def left_out(self) -> dict[str, int]:
        """How many of each class came due and were never sent."""
        return dict(self.delta["left_out"])

    @property
    def writes(self) -> list[Write]:
        """The log of writes."""
        return [Write.model_validate(line) for line in self.delta["writes"]]

    def longest(self, name: str, kind: str = "intended") -> float:
        """Return the highest latency of a class."""
        return self.latency(name, kind).max

    def latency(self, name: str, kind: str) -> Latency:
        """Return what was recorded of a class, of one kind."""
        spans = [hdr for _, n, k, hdr in self.delta["spans"] if (n, k) == (name, kind)]
        return histogram.latency(histogram.merged(spans))

    def stored(self, path: str) -> bytes:
        """Return what the drive holds of this person at `path`."""
        return self.cell.documents[self.person.username, path][0]

    def paths(self) -> set[str]:
        """Return where this person has documents."""
        return {path for user, path in self.cell.documents if user == self.person.username}
