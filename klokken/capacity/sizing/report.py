"""The report of a sizing: how large and how dear first, then pictures and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from klokken.capacity.sizing.answer import BUDGET_DKK_YEAR, LICENCES_DKK_YEAR
from klokken.report import sheet
from klokken.report.numbers import Two, english, number, seconds, share
from klokken.report.sheet import Drawing, Sheet, Table
from klokken.report.words import Figure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from klokken.capacity.sizing.answer import Sizing, Takeover
    from klokken.profile import Title

_MILLION = 1e6
# What each picture shows, by its file.
_DRAWN = {
    "backlog.svg": (
        Two("Kø ved identity hen over morgenen", "Backlog at identity over the morning"),
        "How many seconds who comes at each time of day waits, with less and less of its cores.",
    ),
    "utilisation.svg": (
        Two("Hvor travlt hvert lag har", "How busy each tier is"),
        "The share of each tier's cores that is busy, minute by minute, one host short.",
    ),
    "cost.svg": (
        Two("Pris mod ventetid", "Cost against the service level"),
        "What a month costs where the unluckiest pupil may wait for so many seconds.",
    ),
}


def render(found: Sizing, title: Title, drawn: Mapping[str, str]) -> str:
    """Return the report of a sizing with its pictures, which are `drawn` by file."""
    return sheet.render(_sheet(found, title, drawn))


def _sheet(found: Sizing, title: Title, drawn: Mapping[str, str]) -> Sheet:
    hosts, month, pupils = (number(n) for n in (found.hosts, found.cost.month_dkk, found.pupils))
    return Sheet(
        title=Two(f"Hvor stor en platform: {title.da}", f"How large a platform: {title.en}"),
        when=Two("Regnet ud", "Reckoned"),
        made=found.made,
        tone="answer",
        answer=Two(
            f"{hosts.da} servere, {month.da} kr. om måneden",
            f"{hosts.en} hosts, {month.en} DKK a month",
        ),
        lead=Two(
            f"Så kommer alle {pupils.da} elever ind inden for profilens krav i hvert minut,"
            f" {_down(found).da}.",
            f"Then all {pupils.en} pupils get in within the profile's service levels in every"
            f" minute, {_down(found).en}.",
        ),
        meaning=Two(
            "SIMULERET elev for elev: så godt som de tal, der gik ind, og ingen måling.",
            "SIMULATED pupil by pupil: as good as the demands that went in, and no measurement.",
        ),
        notes=_notes(found),
        figures=_figures(found),
        drawings=[
            Drawing.of(name.removesuffix(".svg"), *_DRAWN[name], source)
            for name, source in drawn.items()
        ],
        tables=[_hosts(found), _mornings(found), _offers(found)],
        record="sizing.json",
    )


def _down(found: Sizing) -> Two:
    """Say with which hosts missing every service level was kept."""
    tiers = [morning.down for morning in found.mornings if morning.down]
    return Two(
        f"også mens en server i {' eller '.join(tiers)} mangler",
        f"with a host of {' or '.join(tiers)} missing as well",
    )


def _takeover(one: Takeover) -> Two:
    after = seconds(one.takeover_seconds)
    done, due = number(one.morning.completed), number(one.morning.offered)
    return Two(
        f"Dør en server i {one.tier} i det travleste minut, og er en anden trådt til"
        f" {after.da} senere, når {done.da} af et steds {due.da} igennem.",
        f"Where a host of {one.tier} dies in the busiest minute and another has taken over"
        f" {after.en} later, {done.en} of a site's {due.en} get through.",
    )


def _notes(found: Sizing) -> list[Two]:
    cost, free = found.cost, share(found.headroom)
    year, whole = number(cost.year_dkk / _MILLION, 2), share(cost.share_of_budget, 1)
    budget = number(BUDGET_DKK_YEAR / _MILLION)
    low, high = (number(dkk / _MILLION) for dkk in LICENCES_DKK_YEAR)
    notes = [
        Two(
            f"{year.da} mio. kr. om året er {whole.da} af de {budget.da} mio. til alle 98"
            f" kommuner; licenserne koster {low.da} til {high.da} mio. i dag. Det er servere,"
            " lager og trafik uden moms, og uden dem, der driver platformen.",
            f"{year.en} million DKK a year is {whole.en} of the {budget.en} million for all 98"
            f" kommuner; licences cost {low.en} to {high.en} million today. It is hosts, storage"
            " and traffic without VAT, and without the people who run it.",
        ),
        Two(
            f"Mangler en server i et lag, har hver af de andre endnu {free.da} fri. Alle tal er"
            " regnet med den øvre ende af deres interval.",
            f"With a host of a tier missing, each other one has {free.en} free. All figures are"
            " taken at the upper end of their interval.",
        ),
    ]
    notes += [_takeover(one) for one in found.takeovers]
    if not found.held_out:
        notes.append(
            Two(
                "Tallene er ikke prøvet på et trin, som de ikke er regnet ud fra.",
                "The demands were not tried on a held-out step.",
            )
        )
    if found.headroom > found.headroom_asked:
        asked = share(found.headroom_asked)
        notes.append(
            Two(
                f"Med {asked.da} fri holdt et minut ikke et krav.",
                f"With {asked.en} free a minute missed a service level.",
            )
        )
    if found.unvisited:
        tiers = ", ".join(found.unvisited)
        notes.append(
            Two(
                f"Uden {tiers}, som ingen elev bruger i denne profil.",
                f"Without {tiers}, of which no pupil of this profile asks anything.",
            )
        )
    if found.unsaid:
        tiers = ", ".join(found.unsaid)
        notes.append(
            Two(
                f"Af {tiers} tæller kun kerner; mere siger tallene ikke.",
                f"Of {tiers} only cores count; the demands say no more.",
            )
        )
    return notes


def _figures(found: Sizing) -> list[Figure]:
    pupil, sites = number(found.cost.pupil_month_dkk, 2), number(found.sites)
    each = number(found.pupils_a_site)
    slowest = seconds(max(morning.slowest(found.journey) for morning in found.mornings))
    return [
        Figure(
            Two("kr. pr. elev om måneden", "DKK a pupil and month"),
            pupil,
            Two(f"hos {found.title}", f"at {found.title}"),
        ),
        Figure(
            Two("sted" if found.sites == 1 else "steder, ens", "sites, all alike"),
            sites,
            Two(f"med {each.da} elever hvert", f"with {each.en} pupils each"),
        ),
        Figure(
            Two(
                "ventede den langsomste 1\u00a0% i det værste minut",
                "waited the slowest 1% of the worst minute",
            ),
            slowest,
            _down(found),
        ),
    ]


def _hosts(found: Sizing) -> Table:
    columns = ["tier", "hosts", "may be down", "kind", "cores", "GB", "volume GB", "EUR/month"]
    return Table(
        Two("Servere på hvert sted", "Hosts of each site"),
        [*columns, "bound by", "of which used"],
        [
            [
                tier.tier,
                str(tier.hosts),
                str(tier.may_be_down),
                tier.kind,
                str(tier.cores_a_host),
                f"{tier.memory_gb:g}",
                english(tier.volume_gb),
                english(tier.month_eur),
                tier.bound,
                share(max(tier.used.values())).en,
            ]
            for tier in found.tiers
        ],
        texts=(3, 8),
    )


def _mornings(found: Sizing) -> Table:
    told = [
        (f"one host of {one.down} down" if one.down else "all hosts up", one)
        for one in found.mornings
    ] + [
        (
            f"a host of {one.tier} dies, another takes over {one.takeover_seconds:,.0f} s later",
            one.morning,
        )
        for one in found.takeovers
    ]
    return Table(
        Two("Spillede morgener på ét sted", "Mornings played at one site"),
        ["morning", "due", "done", "slowest minute's p99 s", "minutes that miss a level"],
        [
            [
                what,
                english(one.offered),
                english(one.completed),
                english(one.slowest(found.journey), 2),
                str(len({missed.minute for missed in one.missed})),
            ]
            for what, one in told
        ],
    )


def _offers(found: Sizing) -> Table:
    return Table(
        Two(
            "Hver udbyders billigste; kun svaret er spillet igennem",
            "Each provider's cheapest; only the answer was played",
        ),
        ["provider", "prices of", "sites", "hosts", "EUR/month"],
        [
            [
                offer.title + (" (assumed)" if offer.assumed else ""),
                str(offer.dated),
                *(
                    [str(offer.sites), english(offer.hosts), english(offer.cost.month_eur)]
                    if offer.cost
                    else ["\u2013", "\u2013", offer.why_not]
                ),
            ]
            for offer in found.offers
        ],
    )
