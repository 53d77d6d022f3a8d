"""Where every figure of the profile comes from: a source, or an assumption and its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel

from klokken.arrivals import Row
from klokken.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from klokken.profile import Profile
    from klokken.results import StormPlan

ORIGIN = frozenset({"source", "assumed", "why"})


@dataclass(frozen=True)
class Origin:
    """One field of the profile, what it says, and on what ground."""

    field: str
    value: str
    source: str = ""
    assumed: bool = False
    why: str = ""


def origins(profile: Profile) -> list[Origin]:
    """Return every field of the profile in its own order."""
    return list(_walk(profile, ""))


def settings(plan: StormPlan) -> list[Origin]:
    """Return every field of the plan but its profile."""
    return [Origin(n, _text(getattr(plan, n))) for n in type(plan).model_fields if n != "profile"]


def _walk(value: object, path: str) -> Iterator[Origin]:
    if isinstance(value, Figure):
        yield Origin(path, _text(value.value), value.source, value.assumed, value.why)
    elif isinstance(value, BaseModel):
        yield from _model(value, path)
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from _walk(part, _join(path, str(name)))
    elif isinstance(value, list) and not any(isinstance(part, Row) for part in value):
        for number, part in enumerate(value):
            yield from _walk(part, _join(path, str(number)))
    else:
        yield Origin(path, _text(value))


def _model(value: BaseModel, path: str) -> Iterator[Origin]:
    """Walk the fields; a model that gives its own origin gives it to its plain fields."""
    names = type(value).model_fields
    given = {n: getattr(value, n) for n in ORIGIN if names.keys() >= ORIGIN}
    for name in names:
        if name in given:
            continue
        for origin in _walk(getattr(value, name), _join(path, name)):
            yield Origin(origin.field, origin.value, **given) if given else origin


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _text(value: object) -> str:
    if isinstance(value, list):
        return " ".join(map(_text, value))
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
