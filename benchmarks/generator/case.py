"""What every generator is told: the login to go through, and how often."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from klokken.document import Document
from klokken.profile import Profile
from klokken.results import Seconds, StormPlan, Whole
from klokken.storm.attendance import Attendance
from klokken.storm.timing import arriving
from loadtests.world import CALLBACK

# Seconds that waiting pupils are due in: nobody's memory is measured for longer.
_WAITING_SECONDS = 12 * 3600
_OPENS = 6 * 3600


class Login(Document):
    """A login at `origin`. `nonce` and `username` are what the token holds, where it is recorded.

    Without them every login has its own, `pupils` different ones.
    """

    origin: str
    realm: str
    client_id: str
    redirect_uri: str
    ca_file: Path
    password: str
    pupils: Annotated[int, Field(ge=1)] = 1
    nonce: str = ""
    username: str = ""


class Case(Document):
    """`rate` logins a second for `seconds`; or, without a rate, `waiting` pupils not yet due."""

    login: Login
    rate: Seconds
    seconds: Whole
    waiting: Whole = 0

    @property
    def count(self) -> int:
        """How many pupils there are."""
        return round(self.rate * self.seconds) or self.waiting

    def plan(self) -> StormPlan:
        """Return the storm that this is to Klokken's own engine."""
        length = self.seconds if self.rate else _WAITING_SECONDS
        profile = _profile(self.count, length)
        site = self.login
        cell = site.redirect_uri.removesuffix(CALLBACK)
        plan = StormPlan.model_validate(
            {
                "run": "benchmark",
                "stack": "benchmark",
                "profile": profile,
                "fraction": 1.0,
                "seed": 1,
                "pupils": self.count,
                "opens": profile.arrivals.opens,
                "closes": profile.arrivals.closes,
                "offered": 1,
                "workers": 1,
                "login_url": site.origin,
                "portal_url": site.origin,
                "cell_urls": [cell],
                "client_id": site.client_id,
                "realm": site.realm,
            }
        )
        return plan.model_copy(update={"offered": plan.people})


def evenly(plan: StormPlan, first: int, end: int) -> Attendance:
    """Return the pupils `first` to `end` - 1 of a case, who are due at even distances.

    A storm draws its due times, which here would give Klokken clumps that no peer has.
    """
    numbers = np.arange(first, end, dtype=np.int64)
    due = (numbers + 0.5) * (arriving(plan) / plan.people)
    return Attendance(numbers, due.astype(np.float64))


def _profile(pupils: int, seconds: int) -> Profile:
    """Return the profile in which so many pupils come evenly, and think no more than k6's do."""
    base = Profile.named("south-schleswig").model_dump()
    arrivals = {
        "kind": "uniform",
        "opens": _clock(_OPENS),
        "closes": _clock(_OPENS + seconds),
        "assumed": True,
        "why": "A steady rate, at which generators can be compared.",
    }
    count = {"value": pupils, "source": "What this benchmark asks."}
    changes = {"pupils": count, "arrivals": arrivals, "people": None}
    return Profile.model_validate(base | changes)


def _clock(second: int) -> str:
    return f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
