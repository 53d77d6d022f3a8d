"""A profile: who logs in, when, and how good the service must be."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from pydantic import Field, model_validator

from klokken.arrivals import Arrivals
from klokken.bells import Bells
from klokken.document import Document, read_yaml, validated
from klokken.errors import InputError
from klokken.exam import Exam
from klokken.figure import Count, Figure, Positive, Share
from klokken.people import Again, People

if TYPE_CHECKING:
    from datetime import time

PROFILES = Path(__file__).parent.parent / "loadtests" / "profiles"

Name: TypeAlias = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,40}$")]

# What a profile of each journey may set a service level for: the whole journey under its own
# name, and its requests in their order.
LOGIN = ("login_page", "password", "token")
DRIVE = ("refresh", "drives", "first_drives")
CLASSES: dict[str, tuple[str, ...]] = {
    "login": ("login", *LOGIN),
    "morning": (
        *("morning", "portal", *LOGIN, *DRIVE),
        *("home", "class_folder", "open", "save", "current"),
    ),
    "exam": (
        *("exam", *LOGIN, *DRIVE),
        *("paper_list", "paper", "autosave", "current", "handin", "receipt"),
    ),
}


class Title(Document):
    """A name to show, in Danish and in English."""

    da: str
    en: str


class Slo(Document):
    """The service level one request class must keep; a whole exam is not a wait and has no p99."""

    p99_seconds: Figure[Positive] | None = None
    failed_share: Figure[Share]


class GeneratorLimits(Document):
    """How exact the load generator must have been for a storm to count."""

    lateness_p999_seconds: Figure[Positive]


class Profile(Document):
    """A population, its morning and its service levels.

    `retries` are those of the drive's client, in place of its own.
    """

    name: Name
    title: Title
    pupils: Figure[Count]
    arrivals: Arrivals
    bells: Bells | None = None
    journey: Literal["login", "morning", "exam"]
    exam: Exam | None = None
    people: People | None = None
    retries: Again | None = None
    slo: Annotated[dict[str, Slo], Field(min_length=1)]
    generator: GeneratorLimits

    @model_validator(mode="after")
    def _of_its_journey(self) -> Profile:
        allowed = CLASSES[self.journey]
        for name, slo in self.slo.items():
            if name not in allowed:
                raise ValueError(
                    f"`slo` has {name!r}, which is no request class of the journey;"
                    f" choose {', '.join(allowed)}"
                )
            if (slo.p99_seconds is None) != (name == "exam"):
                raise ValueError(
                    f"`slo.{name}` needs `p99_seconds`, as every class but a whole exam does"
                )
        if (self.exam is None) == (self.journey == "exam"):
            raise ValueError("the section `exam` belongs to the journey exam, and to no other")
        if self.exam and self.people:
            raise ValueError("the section `people` belongs to the journeys login and morning")
        if self.retries and self.journey == "login":
            raise ValueError("the section `retries` belongs to the journeys morning and exam")
        opens, closes = self.window
        if self.exam:
            if self.bells:
                raise ValueError("an exam starts at one time for all; leave `bells` out")
            self.exam.check_arrivals(opens, closes)
        return self

    @property
    def window(self) -> tuple[time, time]:
        """When the first pupil of any school may come, and when the last has."""
        opens, closes = self.arrivals.opens, self.arrivals.closes
        return self.bells.window(opens, closes) if self.bells else (opens, closes)

    @classmethod
    def read(cls, path: Path) -> Profile:
        """Read the profile file at `path`, or raise InputError."""
        body = read_yaml(path)
        if is_day(body):
            raise InputError(path, "storms", "is a day of storms, not one", "name one of them")
        profile = validated(cls, body, path)
        if profile.name != path.stem:
            raise InputError(path, "name", f"is {profile.name!r}", f"call it {path.stem!r}")
        return profile

    @classmethod
    def named(cls, name: str) -> Profile:
        """Read the profile called `name`, which may also be a path to a file."""
        return cls.read(profile_path(name))


def is_day(body: object) -> bool:
    """Say whether the content of a file is a day of storms, and no profile."""
    return isinstance(body, dict) and "storms" in body


def profile_path(name: str) -> Path:
    """Return the file of the profile or day called `name`, or raise InputError."""
    if name.endswith((".yaml", ".yml")):
        return Path(name)
    path = PROFILES / f"{name}.yaml"
    if not path.exists():
        there = ", ".join(sorted(p.stem for p in PROFILES.glob("*.yaml")))
        raise InputError("profile", name, "there is none of this name", f"choose: {there}")
    return path
