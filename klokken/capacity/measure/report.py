"""The report of a measurement: what a journey costs first, then pictures and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from klokken.capacity.measure.errands import AUTOSAVE, PAPER
from klokken.capacity.measure.picture import picture
from klokken.report import sheet
from klokken.report.numbers import Two, english, number, second_digits, share
from klokken.report.sheet import Drawing, Sheet, Table
from klokken.report.words import Figure

if TYPE_CHECKING:
    from klokken.capacity.measure.estimate import HeldOut
    from klokken.capacity.measure.measurement import Measurement
    from klokken.profile import Profile

_MS = 1000
_JOURNEYS = {
    "login": Two("Et login", "A login"),
    "morning": Two("En skolemorgen", "A school morning"),
    "paper": Two("En opgave, hentet,", "A paper fetched"),
    "refresh": Two("En fornyelse", "A renewal"),
    "autosave": Two("En autogemning", "An autosave"),
    "handin": Two("En aflevering", "A hand-in"),
}


def render(found: Measurement) -> str:
    """Return the report of a measurement."""
    return sheet.render(_sheet(found))


def _sheet(found: Measurement) -> Sheet:
    plan, journey = found.plan, _first(found.plan.errands)
    value, low, high = (
        _ms(sum(getattr(fit.demand[journey], end) for fit in found.tiers))
        for end in ("value", "low", "high")
    )
    name = _JOURNEYS.get(journey, Two(journey, journey))
    return Sheet(
        title=Two(f"Måling af {plan.stack}", f"Measurement of {plan.stack}"),
        when=Two("Målt", "Measured"),
        made=plan.began,
        tone="pass" if found.predicted_well else "fail",
        answer=Two(f"{name.da} koster {value.da} ms CPU", f"{name.en} costs {value.en} ms of CPU"),
        lead=Two(
            f"Alle lag tilsammen: {low.da} til {high.da} ms, det sidste efter en uheldig start.",
            f"All tiers together: {low.en} to {high.en} ms, the latter after an unlucky start.",
        ),
        meaning=_predicted(found),
        notes=_notes(found),
        figures=[_knee(found, profile) for profile in plan.steady],
        drawings=[
            Drawing.of(
                f"load-{profile.name}",
                Two(f"Belastning mod svartid: {profile.name}", f"Load and time: {profile.name}"),
                _caption(profile),
                picture(found, profile),
            )
            for profile in plan.profiles
        ],
        tables=[*(_demands(found, each) for each in plan.errands), *_held_out(found)],
        record="measure.json",
    )


def _caption(profile: Profile) -> str:
    if profile.exam:
        return "The median, 95 and 99 % of each exam's saves, by how many pupils sat it."
    return "Each step's median, 95 and 99 % by what was completed a second, with the knee."


def _first(names: list[str]) -> str:
    """Return the errand to tell of first: a journey, or of an exam what there is most of."""
    return AUTOSAVE if AUTOSAVE in names and names[0] == PAPER else names[0]


def _ms(value: float) -> Two:
    return number(_MS * value, 1)


def _predicted(found: Measurement) -> Two:
    if found.predicted_well:
        return Two(
            "Det største trin i hver start blev forudsagt af de mindre, og forudsigelsen holdt.",
            "The largest step of each start was predicted from the smaller ones, and that held.",
        )
    return Two(
        "Det største trin i en start blev forudsagt for dårligt: brug ikke tallene.",
        "The largest step of a start was predicted too badly: do not use these demands.",
    )


def _notes(found: Measurement) -> list[Two]:
    steps, excluded, starts = len(found.steps), len(found.excluded), found.plan.starts
    return [
        Two(
            f"MÅLT: {steps} trin efter {starts} friske starter; {excluded} er ikke regnet med.",
            f"MEASURED: {steps} steps over {starts} fresh starts; {excluded} excluded.",
        ),
        Two(
            "Brug de øvre ender, når en platform skal købes: det er den uheldige starts.",
            "Size from the upper ends: they are those of the unlucky start.",
        ),
        *(Two(f"Ikke regnet med: {line}", f"Excluded: {line}") for line in found.excluded),
        *(
            Two(
                f"{tier}: andelen i {name} er målt for upræcist, og er som før.",
                f"{tier}: its part of {name} is known too vaguely, and stays as it was before.",
            )
            for name, tiers in found.untold.items()
            for tier in tiers
        ),
    ]


def _knee(found: Measurement, profile: Profile) -> Figure:
    knee = found.knee[profile.name]
    low, value, high = (number(n, 1) for n in (knee.low, knee.value, knee.high))
    down = " og ".join(found.down), " or ".join(found.down)
    return Figure(
        Two(
            f"{profile.journey} i sekundet holder {profile.title.da}s krav",
            f"{profile.journey} a second within the service levels of {profile.title.en}",
        ),
        low,
        Two(
            f"simuleret; {value.da} med den midterste start, {high.da} med de nedre ender"
            + (f"; en server i {down[0]} mangler" if found.down else ""),
            f"simulated; {value.en} with the middle start, {high.en} with the lower ends"
            + (f"; one host of {down[1]} down" if found.down else ""),
        ),
    )


def _demands(found: Measurement, journey: str) -> Table:
    starts = [f"start {number}" for number in range(1, found.plan.starts + 1)]
    return Table(
        Two(f"Hvad {journey} koster hvert lag", f"What {_en(journey)} costs each tier"),
        ["tier", "ms CPU", "from", "to", *starts, "by division", "idle cores"],
        [
            [
                str(fit.tier),
                *(
                    english(_MS * value, 2)
                    for value in (
                        fit.demand[journey].value,
                        fit.demand[journey].low,
                        fit.demand[journey].high,
                        *(start.demand[journey].value for start in fit.starts),
                        fit.check[journey],
                    )
                ),
                english(fit.idle.value, 3),
            ]
            for fit in found.tiers
        ],
    )


def _en(name: str) -> str:
    known = _JOURNEYS.get(name)
    return known.en[0].lower() + known.en[1:] if known else name


def _danish(found: Measurement, each: HeldOut) -> str:
    if each.profile in found.knee:
        return f"{each.rate:g} {each.profile} i sekundet"
    return f"{each.profile} med {each.rate:g} elever"


def _held_out(found: Measurement) -> list[Table]:
    return [
        Table(
            Two(
                f"Forudsagt, start {each.start}: {_danish(found, each)}"
                + ("; stedet kunne ikke følge med" if each.short else ""),
                f"Held out, start {each.start}: {each.load}"
                + ("; the site fell short" if each.short else ""),
            ),
            ["figure", "predicted", "measured", "unit", "error", "limit", "kept"],
            [
                [
                    one.what,
                    english(one.predicted, second_digits(one.predicted)),
                    english(one.measured, second_digits(one.measured)),
                    one.unit,
                    share(one.error, 1).en,
                    "\u2013" if one.limit is None else share(one.limit).en,
                    "yes" if one.kept else "NO",
                ]
                for one in each.figures
            ],
            texts=(3, 6),
        )
        for each in found.held_out
    ]
