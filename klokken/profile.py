"""A profile: who logs in, when, and how good the service must be."""

from __future__ import annotations

from datetime import time
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from klokken.document import Document, read_yaml, validated
from klokken.errors import InputError

V = TypeVar("V")

PROFILES = Path(__file__).parent.parent / "loadtests" / "profiles"


class Figure(Document, Generic[V]):
    """A value with where it comes from: a source, or an assumption and its reason."""

    value: V
    source: str = ""
    assumed: bool = False
    why: str = ""

    @model_validator(mode="after")
    def _accounted_for(self) -> Figure[V]:
        if self.assumed == bool(self.source):
            raise ValueError("give either a `source`, or `assumed: true` with a `why`")
        if self.assumed and not self.why:
            raise ValueError("an assumed figure needs a `why`")
        return self


def _time_of_day(value: Any) -> Any:
    """Refuse what YAML or pydantic would quietly turn into another time of day.

    YAML reads an unquoted 10:30 as the number 630, which pydantic takes for 00:10:30.
    """
    if not isinstance(value, (str, time)):
        raise ValueError('write a time of day in quotes, such as "08:00"')  # noqa: TRY004 - pydantic
    moment = time.fromisoformat(value) if isinstance(value, str) else value
    if moment.tzinfo is not None:
        raise ValueError("a school bell rings by the clock on the wall; leave the time zone out")
    return moment


Count = Annotated[int, Field(ge=1, strict=True)]
Real = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, strict=True, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, strict=True)]
TimeOfDay = Annotated[time, BeforeValidator(_time_of_day)]

# What a profile may set a service level for: the requests of the journey `login`, and the
# whole journey under the journey's own name.
REQUEST_CLASSES = ("login", "login_page", "password", "token")


def _request_class(name: str) -> str:
    if name not in REQUEST_CLASSES:
        raise ValueError(f"no request class of the journey; choose {', '.join(REQUEST_CLASSES)}")
    return name


RequestClass = Annotated[str, AfterValidator(_request_class)]


class Title(Document):
    """A name to show, in Danish and in English."""

    da: str
    en: str


class Bell(Document):
    """Arrivals around a school bell: a skew-normal density cut to its window.

    `spread` is the scale of the density in seconds; `skew` is its shape, 0 for the normal.
    """

    kind: Literal["bell"]
    centre: Figure[TimeOfDay]
    spread: Figure[Positive]
    skew: Figure[Real]
    opens: TimeOfDay
    closes: TimeOfDay

    @model_validator(mode="after")
    def _in_order(self) -> Bell:
        if not self.opens < self.centre.value < self.closes:
            raise ValueError("`opens`, `centre` and `closes` must be in this order")
        return self


class Uniform(Document):
    """Arrivals spread evenly over a window."""

    kind: Literal["uniform"]
    opens: TimeOfDay
    closes: TimeOfDay
    source: str = ""
    assumed: bool = False
    why: str = ""

    @model_validator(mode="after")
    def _in_order(self) -> Uniform:
        if not self.opens < self.closes:
            raise ValueError("`opens` must be before `closes`")
        return self


class Slo(Document):
    """The service level one request class must keep."""

    p99_seconds: Figure[Positive]
    failed_share: Figure[Share]


class GeneratorLimits(Document):
    """How exact the load generator must have been for a storm to count."""

    lateness_p999_seconds: Figure[Positive]


class Profile(Document):
    """A population, its morning and its service levels."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,40}$")]
    title: Title
    pupils: Figure[Count]
    arrivals: Annotated[Bell | Uniform, Field(discriminator="kind")]
    journey: Literal["login"]
    slo: Annotated[dict[RequestClass, Slo], Field(min_length=1)]
    generator: GeneratorLimits

    @classmethod
    def read(cls, path: Path) -> Profile:
        """Read the profile file at `path`, or raise InputError."""
        profile = validated(cls, read_yaml(path), path)
        if profile.name != path.stem:
            raise InputError(path, "name", f"is {profile.name!r}", f"call it {path.stem!r}")
        return profile

    @classmethod
    def named(cls, name: str) -> Profile:
        """Read the profile called `name`, which may also be a path to a file."""
        if name.endswith((".yaml", ".yml")):
            return cls.read(Path(name))
        path = PROFILES / f"{name}.yaml"
        if not path.exists():
            there = ", ".join(sorted(p.stem for p in PROFILES.glob("*.yaml")))
            raise InputError("profile", name, "there is none of this name", f"choose: {there}")
        return cls.read(path)
