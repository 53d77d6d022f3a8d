"""Planning a storm: everything decided before the first request, or refused in one line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict, Unpack

from klokken.curve import seconds
from klokken.document import validated
from klokken.errors import InputError, StormRefusedError
from klokken.results import StormPlan
from klokken.storm.attendance import attendance
from klokken.topology import Tier

if TYPE_CHECKING:
    from datetime import time

    from klokken.inventory import Inventory
    from klokken.profile import Profile

# The realm, its client for the drive, and the names under the site's domain are the same at
# every site; the role `identity` makes them.
REALM = "skole"
CLIENT = "drive"
# A dry run asks nobody, and this domain is nobody's (RFC 2606).
NOWHERE = "skole.invalid"


@dataclass(frozen=True, slots=True)
class Place:
    """A site as far as a plan goes: how many `accounts` it has, and where its cells are."""

    stack: str
    domain: str
    cells: list[str]
    accounts: int


class Choices(TypedDict, total=False):
    """What a person may choose of a storm.

    The `fraction` of the profile's pupils that comes, 1 by default; the `seed` of all draws;
    `opens` and `closes`, which cut a stretch out of the profile's morning; and the `compression`
    that divides its times, of an exam its profile's own by default.
    """

    fraction: float
    seed: int
    opens: time | None
    closes: time | None
    compression: float | None


def login_url(domain: str) -> str:
    """Return where a site of `domain` signs its pupils in."""
    return f"https://login.{domain}"


def portal_url(domain: str) -> str:
    """Return where pupils of `domain` begin their morning."""
    return f"https://portal.{domain}"


def cell_urls(inventory: Inventory) -> list[str]:
    """Return where the drive cells of a site are; one that is not there where it has none."""
    cells = len(inventory.hosts(Tier.DRIVE))
    names = [f"drive{n + 1}" for n in range(cells)] or ["drive"]
    return [f"https://{name}.{inventory.site.site_domain}" for name in names]


def plan_storm(
    profile: Profile, inventory: Inventory, *, run: str, workers: int = 1, **chosen: Unpack[Choices]
) -> StormPlan:
    """Return the storm that the pupils of `profile` make at the site, as `chosen`.

    `run` names the storm and its folder of results. Raises StormRefusedError where the stack is
    not meant to be stormed, and InputError about an argument that cannot be used.
    """
    site = inventory.site
    if not site.site_storms:
        raise StormRefusedError(
            f"stack {site.site_stack}",
            "storms",
            "is false, so no storm may be rung at it",
            "set `storms: true` in the stack's config, if its hosts are meant to be stormed",
        )
    if profile.journey != "login" and not inventory.hosts(Tier.DRIVE):
        raise StormRefusedError(
            f"stack {site.site_stack}",
            "tiers",
            f"has no drive, which the profile {profile.name} needs",
            "give the stack a tier `drive`, or ring a profile of logins",
        )
    place = Place(site.site_stack, site.site_domain, cell_urls(inventory), site.site_accounts)
    chosen["compression"] = _compression(profile, chosen.get("compression"))
    return _resolved(profile, place, run=run, workers=workers, **chosen)


def plan_dry_run(
    profile: Profile,
    *,
    run: str,
    workers: int = 1,
    answer_seconds: float = 0.0,
    **chosen: Unpack[Choices],
) -> StormPlan:
    """Return the same storm at no site at all; `compression` divides any profile's times.

    Every request is answered after `answer_seconds`, by the load generator itself.
    """
    place = Place("none", NOWHERE, [f"https://drive.{NOWHERE}"], profile.pupils.value)
    if chosen.get("compression") is None:
        chosen["compression"] = profile.exam.compression.value if profile.exam else 1.0
    return _resolved(
        profile, place, run=run, workers=workers, dry_answer_seconds=answer_seconds, **chosen
    )


def _resolved(
    profile: Profile,
    place: Place,
    *,
    fraction: float = 1.0,
    opens: time | None = None,
    closes: time | None = None,
    **chosen: object,
) -> StormPlan:
    """Return the plan of what was `chosen`, with how many pupils it offers."""
    pupils = _pupils(profile, fraction, place)
    begin, end = _window(profile, opens, closes)
    if profile.retries:
        chosen["retries"] = profile.retries.retries
    draft = validated(
        StormPlan,
        {
            "stack": place.stack,
            "profile": profile,
            "fraction": fraction,
            "seed": 1,
            "pupils": pupils,
            "opens": begin,
            "closes": end,
            "offered": 1,
            "login_url": login_url(place.domain),
            "portal_url": portal_url(place.domain),
            "cell_urls": place.cells,
            "client_id": CLIENT,
            "realm": REALM,
            **chosen,
        },
        "storm",
    )
    offered = len(attendance(draft, 0, draft.people))
    if not offered:
        raise InputError(
            "storm",
            "opens, closes",
            f"none of {pupils} pupils is due from {begin} to {end}",
            "give a longer window, a larger fraction or another seed",
        )
    return draft.model_copy(update={"offered": offered})


def _pupils(profile: Profile, fraction: float, place: Place) -> int:
    """Return how many pupils there are to draw due times for."""
    if not 0 < fraction <= 1:
        raise InputError("storm", "fraction", f"is {fraction}", "give one above 0 and at most 1")
    pupils = max(1, round(profile.pupils.value * fraction))
    if pupils > place.accounts:
        most = place.accounts / profile.pupils.value
        raise StormRefusedError(
            "storm",
            "fraction",
            f"{pupils} pupils need an account each, and stack {place.stack} has {place.accounts}",
            f"give a fraction of at most {most:.4g}, or raise `accounts` in the stack's config",
        )
    return pupils


def _compression(profile: Profile, given: float | None) -> float:
    """Return the factor by which the times of the profile are divided."""
    if profile.exam is None:
        if given is not None:
            raise InputError(
                "storm", "compress", f"{profile.name} is no exam", "leave --compress out"
            )
        return 1.0
    return profile.exam.compression.value if given is None else given


def _window(profile: Profile, opens: time | None, closes: time | None) -> tuple[time, time]:
    """Return the stretch of the profile's morning that is to be rung."""
    first, last = profile.window
    begin, end = opens or first, closes or last
    if seconds(begin) >= seconds(end):
        raise InputError("storm", "closes", f"{end} is not after {begin}", "give a later time")
    return begin, end
