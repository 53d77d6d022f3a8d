"""Trying again: something is begun anew from its first request until it comes to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from loadtests.steps import GAVE_UP, Busy, Pause, Unanswered, Unexpected

if TYPE_CHECKING:
    from collections.abc import Callable

    from loadtests.steps import Steps
    from loadtests.world import World

T = TypeVar("T")


def as_a_person(world: World, name: str, once: Callable[[], Steps[T]]) -> Steps[T]:
    """Do `once`, and load its first page, of the class `name`, again where that is of use.

    It is where no answer came, or the site says that it is overrun or has an error of its own.
    Without `people` in the profile nobody tries again.
    """
    people = world.plan.profile.people
    attempts = people.again.attempts.value if people else 1
    return (yield from persistently(name, once, attempts, (Busy, Unanswered), person=True))


def persistently(
    name: str,
    once: Callable[[], Steps[T]],
    attempts: int,
    forgiven: tuple[type[Exception], ...],
    *,
    person: bool = False,
) -> Steps[T]:
    """Return what `once` does, begun at most `attempts` times while what ends it is `forgiven`.

    The pauses are those after something of the class `name`, of a `person` or of a program.
    """
    for attempt in range(attempts):
        try:
            return (yield from once())
        except forgiven as finding:
            if attempts == 1:
                raise
            cause = str(finding)
        if attempt + 1 < attempts:
            yield Pause(name, attempt, person)
    raise Unexpected(f"{GAVE_UP}: {cause}")
