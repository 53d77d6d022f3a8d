"""Planning a storm: everything decided before the first request, or refused in one line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

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


def plan_storm(  # noqa: PLR0913 - a storm has this many choices, all named
    profile: Profile,
    inventory: Inventory,
    *,
    run: str,
    fraction: float = 1.0,
    seed: int = 1,
    opens: time | None = None,
    closes: time | None = None,
    workers: int = 1,
    compression: float | None = None,
) -> StormPlan:
    """Return the storm that `fraction` of the pupils of `profile` make at the site.

    `opens` and `closes` cut a stretch out of the profile's morning; the whole is the default.
    `run` names the storm and its folder of results. `compression` divides the times of an exam;
    its profile's own factor is the default. Raises StormRefusedError where the stack is not
    meant to be stormed, and InputError about an argument that cannot be used.
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
    return _resolved(
        profile,
        place,
        run=run,
        fraction=fraction,
        seed=seed,
        opens=opens,
        closes=closes,
        workers=workers,
        compression=_compression(profile, compression),
    )


def plan_dry_run(  # noqa: PLR0913 - as many choices
    profile: Profile,
    *,
    run: str,
    fraction: float = 1.0,
    seed: int = 1,
    opens: time | None = None,
    closes: time | None = None,
    workers: int = 1,
    compression: float | None = None,
    answer_seconds: float = 0.0,
) -> StormPlan:
    """Return the same storm at no site at all; `compression` divides any profile's times.

    Every request is answered after `answer_seconds`, by the load generator itself.
    """
    place = Place("none", NOWHERE, [f"https://drive.{NOWHERE}"], profile.pupils.value)
    factor = 1.0 if profile.exam is None else profile.exam.compression.value
    return _resolved(
        profile,
        place,
        run=run,
        fraction=fraction,
        seed=seed,
        opens=opens,
        closes=closes,
        workers=workers,
        compression=factor if compression is None else compression,
        dry_answer_seconds=answer_seconds,
    )


def _resolved(
    profile: Profile,
    place: Place,
    *,
    fraction: float,
    opens: time | None,
    closes: time | None,
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
