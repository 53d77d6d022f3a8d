"""What was required of the platform and what was measured, in words and figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from klokken.figure import Figure
from klokken.report.numbers import (
    MOST_DIGITS,
    NBSP,
    Two,
    exact_digits,
    exact_seconds,
    number,
    second_digits,
    seconds,
    share,
    share_digits,
)

if TYPE_CHECKING:
    from klokken.results import Judgement, Results

Kind = Literal["seconds", "share", "other"]

CLASSES = {
    "login": Two("Hele login", "Whole login"),
    "login_page": Two("Loginsiden", "Login page"),
    "password": Two("Adgangskoden", "Password"),
    "token": Two("Adgangsbeviset", "Token"),
}

NOBODY = Two("ingen", "nobody")


@dataclass(frozen=True)
class Requirement:
    """One service level in words: what was asked, what was measured, and whether it was kept.

    `served` is false where nobody got through, so that no wait could be measured.
    """

    name: Two
    kind: Kind
    what: Two
    limit: Two
    measured: Two
    kept: bool
    assumed: bool
    served: bool


def requirement(judgement: Judgement, results: Results) -> Requirement:
    """Put a judgement into words and figures that show the difference it was made on."""
    limit, measured = _figures(judgement)
    kind, found = _kind(judgement.what), results.classes.get(judgement.request_class)
    served = kind != "seconds" or (found is not None and found.intended.count > 0)
    return Requirement(
        name=class_name(judgement.request_class),
        kind=kind,
        what=_what(judgement.what),
        limit=limit,
        measured=measured if served else NOBODY,
        kept=judgement.kept,
        assumed=_assumed(judgement, results),
        served=served,
    )


def requirements(results: Results) -> list[tuple[Two, list[Requirement]]]:
    """Return every requirement under the name of its class, in the order of the record."""
    found: dict[Two, list[Requirement]] = {}
    for judgement in results.judgements:
        asked = requirement(judgement, results)
        found.setdefault(asked.name, []).append(asked)
    return list(found.items())


def any_assumed(results: Results) -> bool:
    """Say whether the limit of any service level has no source."""
    return any(_assumed(judgement, results) for judgement in results.judgements)


def class_name(name: str) -> Two:
    """Return the name to show for a request class."""
    return CLASSES.get(name, Two(name, name))


def broken(results: Results) -> list[Judgement]:
    """Return the service levels that were not kept."""
    return [judgement for judgement in results.judgements if not judgement.kept]


def _kind(what: str) -> Kind:
    known: dict[str, Kind] = {"p99_seconds": "seconds", "failed_share": "share"}
    return known.get(what, "other")


def _what(what: str) -> Two:
    known = {
        "p99_seconds": Two(f"99{NBSP}% ventede højst", "99% waited at most"),
        "failed_share": Two("mislykkedes højst", "failed at most"),
    }
    return known.get(what, Two(what, what))


def _figures(judgement: Judgement) -> tuple[Two, Two]:
    """Format limit and measured; the latter with the decimals that the difference needs."""
    limit, measured = judgement.limit, judgement.measured
    match _kind(judgement.what):
        case "share":
            least = share_digits(100 * measured)
            digits = apart(100 * limit, 100 * measured, least)
            return share(limit, exact_digits(100 * limit)), share(measured, digits)
        case "seconds":
            digits = apart(limit, measured, second_digits(measured))
            return exact_seconds(limit), seconds(measured, digits)
        case _:
            digits = apart(limit, measured, 2)
            return number(limit, exact_digits(limit)), number(measured, digits)


def apart(one: float, other: float, digits: int) -> int:
    """Return at least `digits`, and as many as it takes to tell `other` from `one`."""
    while one != other and round(one, digits) == round(other, digits) and digits < MOST_DIGITS:
        digits += 1
    return digits


def _assumed(judgement: Judgement, results: Results) -> bool:
    slo = results.plan.profile.slo.get(judgement.request_class)
    figure = getattr(slo, judgement.what, None)
    return isinstance(figure, Figure) and figure.assumed
