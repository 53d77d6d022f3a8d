"""What pupils did in a storm, in the words that its journey calls for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from klokken.report.numbers import Two

if TYPE_CHECKING:
    from klokken.results import Results


@dataclass(frozen=True)
class Doing:
    """One journey: its past, its infinitive, and its noun (English: in the plural)."""

    did: Two
    to_do: Two
    noun: Two


DOINGS = {
    "login": Doing(
        Two("loggede ind", "logged in"), Two("logge ind", "log in"), Two("login", "logins")
    ),
    "morning": Doing(
        Two("fik gemt deres arbejde", "saved their work"),
        Two("hente og gemme deres arbejde", "open and save their work"),
        Two("skolestart", "school mornings"),
    ),
    "exam": Doing(
        Two("fik afleveret deres prøve", "handed in their exam"),
        Two("møde til prøve", "come to an exam"),
        Two("prøver", "exams"),
    ),
}


def doing(results: Results) -> Doing:
    """Return the words for the journey of `results`."""
    return DOINGS[results.plan.profile.journey]
