"""The verdict in words, for whoever decides: Danish, and the same in English."""

from __future__ import annotations

from dataclasses import dataclass

from klokken.report.doings import doing
from klokken.report.numbers import (
    NBSP,
    Two,
    clock,
    exact_seconds,
    number,
    seconds,
    share,
    since_midnight,
)
from klokken.report.requirements import broken
from klokken.results import Latency, Results, Verdict

# Below this many pupils "the slowest 1 %" is less than one pupil.
ENOUGH_FOR_A_PERCENT = 100
# From this rate on, one decimal is enough.
RATE_OF_ONE_DIGIT = 10

SLOWEST = Two("ventede den langsomste 1\u00a0%", "waited, the slowest 1%")

VERDICTS = {
    Verdict.PASS: Two("BESTÅET", "Passed"),
    Verdict.FAIL: Two("IKKE BESTÅET", "Not passed"),
    Verdict.INVALID: Two("UGYLDIG MÅLING", "Invalid measurement"),
    Verdict.DRY: Two("TØRLØB", "Dry run"),
}


@dataclass(frozen=True)
class Figure:
    """One number to remember, what it counts, and what to hold it against."""

    label: Two
    value: Two
    beside: Two


def pupils(count: int) -> Two:
    """Return a number of pupils in words."""
    plain = number(count)
    return Two(
        f"{plain.da} {'elev' if count == 1 else 'elever'}",
        f"{plain.en} {'pupil' if count == 1 else 'pupils'}",
    )


def people(results: Results, count: int) -> Two:
    """Return a number of those who took part in words; to a morning teachers come as well."""
    if results.plan.profile.journey != "morning":
        return pupils(count)
    plain = number(count)
    return Two(f"{plain.da} elever og lærere", f"{plain.en} pupils and teachers")


def measured_share(results: Results) -> float:
    """Return the share of the profile's people that took part."""
    plan = results.plan
    return results.offered / (plan.profile.pupils.value * plan.people / plan.pupils)


def headline(results: Results) -> Two:
    """Say what happened to the pupils, whatever the verdict."""
    count, wait = got_through(results), waited(results)
    return Two(
        f"{count.da}, {wait.da}." if wait else f"{count.da}.",
        f"{count.en}, {wait.en}." if wait else f"{count.en}.",
    )


def got_through(results: Results) -> Two:
    """Say how many of the offered pupils did what they came for."""
    did = doing(results).did
    offered, done = results.offered, results.completed
    if done == 0:
        everyone = people(results, offered)
        return Two(f"Ingen af de {everyone.da} {did.da}", f"None of the {everyone.en} {did.en}")
    if done == offered:
        everyone = people(results, offered)
        return Two(f"{everyone.da} {did.da}", f"{everyone.en} {did.en}")
    some, everyone = number(done), people(results, offered)
    return Two(f"{some.da} af {everyone.da} {did.da}", f"{some.en} of {everyone.en} {did.en}")


def waited(results: Results) -> Two | None:
    """Say how long the slowest waited, or None where nobody did or nothing was waited for."""
    whole = results.classes.get(results.plan.profile.journey)
    if whole is None or not whole.intended.count or not results.completed:
        return None
    waited_for = slowest(whole.intended)
    if whole.intended.count < ENOUGH_FOR_A_PERCENT:
        return Two(
            f"og den langsomste ventede {waited_for.da}",
            f"and the slowest waited {waited_for.en}",
        )
    return Two(
        f"og den langsomste 1{NBSP}% ventede {waited_for.da} eller længere",
        f"and the slowest 1% waited {waited_for.en} or longer",
    )


def slowest(latency: Latency) -> Two:
    """Return the wait of the slowest 1 %, or of the slowest where there are too few for that."""
    return seconds(latency.max if latency.count < ENOUGH_FOR_A_PERCENT else latency.p99)


def meaning(results: Results, verdict: Verdict) -> Two:
    """Say what the `verdict` on the results means."""
    asked, missed = len(results.judgements), len(broken(results))
    if results.plan.dry:
        return _dry(verdict)
    if verdict is Verdict.INVALID:
        return Two(
            "Målingen kan ikke bruges til at bedømme platformen, hverken godt eller dårligt. "
            "Tallene herunder viser, hvad der skete, men beviser intet.",
            "This measurement cannot judge the platform, neither well nor badly. "
            "The figures below show what happened but prove nothing.",
        )
    if verdict is Verdict.FAIL and missed:
        return Two(
            f"Platformen holdt ikke {missed} af {asked} krav.",
            f"The platform missed {missed} of {asked} requirements.",
        )
    if verdict is Verdict.FAIL:
        return Two("Platformen bestod ikke.", "The platform did not pass.")
    if not asked:
        return Two("Der blev ikke stillet krav.", "No requirement was set.")
    return Two(
        "Platformen holdt kravet." if asked == 1 else f"Platformen holdt alle {asked} krav.",
        "The platform kept the requirement."
        if asked == 1
        else f"The platform kept all {asked} requirements.",
    )


def _dry(verdict: Verdict) -> Two:
    """Say what a dry run tells, which is nothing of any platform."""
    kept = verdict is Verdict.DRY
    return Two(
        "Kun belastningsgeneratoren blev prøvet: intet blev sendt, den svarede sig selv. Den "
        f"{'holdt' if kept else 'holdt ikke'} sine grænser. Om en platform siger det intet.",
        "Only the load generator was tried: nothing was sent, it answered itself. It "
        f"{'kept' if kept else 'did not keep'} its limits. This says nothing of any platform.",
    )


def scale(results: Results) -> Two:
    """Say at what scale, and in which window of the morning, this was measured."""
    plan = results.plan
    whole, part = pupils(plan.profile.pupils.value), share(plan.fraction)
    window = f"{clock(plan.opens)}\u2013{clock(plan.closes)}"
    length = number(since_midnight(plan.closes) - since_midnight(plan.opens))
    due, taking = people(results, results.offered), number(plan.pupils)
    each = rate(results)
    to_do, pressed = doing(results).to_do, _compressed(plan.compression)
    return Two(
        f"Målt med {part.da} af profilens {whole.da} ({taking.da}). I vinduet kl. {window}, "
        f"{length.da} sekunder, skulle {due.da} {to_do.da}: {each.da}. "
        f"{pressed.da}Tallene gælder denne belastning og er ikke regnet op til flere elever.",
        f"Measured with {part.en} of the profile's {whole.en} ({taking.en}). In the window "
        f"{window}, {length.en} seconds, {due.en} were due to {to_do.en}: {each.en}. "
        f"{pressed.en}The figures hold for this load and are not scaled up to more pupils.",
    )


def rate(results: Results) -> Two:
    """Say how many were due each second, on average over the window."""
    plain = number(results.rate, 1 if results.rate >= RATE_OF_ONE_DIGIT else 2)
    return Two(f"{plain.da} i sekundet", f"{plain.en} a second")


def _compressed(factor: float) -> Two:
    """Say by how much a storm was run faster than it happens."""
    if factor == 1:
        return Two("", "")
    times = number(factor, 0 if factor == int(factor) else 1)
    return Two(
        f"Alle tider er delt med {times.da}. ",
        f"All times are divided by {times.en}. ",
    )


def figures(results: Results) -> list[Figure]:
    """Return the few numbers that tell the story."""
    done, offered, failed = (
        number(n) for n in (results.completed, results.offered, results.failed)
    )
    found = [
        Figure(
            doing(results).did,
            done,
            Two(f"af {offered.da}, der blev bedt om", f"of {offered.en} asked for"),
        ),
        Figure(Two("mislykkedes", "failed"), failed, _dropped(results)),
    ]
    whole = results.classes.get(results.plan.profile.journey)
    if whole and whole.intended.count and results.completed:
        few = whole.intended.count < ENOUGH_FOR_A_PERCENT
        label = Two("ventede den langsomste", "waited, the slowest") if few else SLOWEST
        half = seconds(whole.intended.p50)
        beside = Two(f"halvdelen ventede højst {half.da}", f"half waited at most {half.en}")
        found.append(Figure(label, slowest(whole.intended), beside))
    if results.writes.attempted:
        found.append(_handins(results))
    measured = share(measured_share(results))
    everyone = pupils(results.plan.profile.pupils.value)
    if results.abandoned:
        found.insert(2, _abandoned(results))
    return [
        *found,
        Figure(
            Two("er målt", "was measured"),
            measured,
            Two(f"af profilens {everyone.da}", f"of the profile's {everyone.en}"),
        ),
    ]


def _handins(results: Results) -> Figure:
    told, late = number(results.writes.handins), number(results.writes.late)
    return Figure(
        Two("afleveringer blev bekræftet", "hand-ins were acknowledged"),
        told,
        Two(f"{late.da} bekræftelser kom for sent", f"{late.en} acknowledgements came late"),
    )


def _abandoned(results: Results) -> Figure:
    left = number(results.abandoned)
    longest = exact_seconds(results.plan.longest_patience)
    return Figure(
        Two("gav op", "gave up"),
        left,
        Two(f"ingen venter mere end {longest.da}", f"nobody waits more than {longest.en}"),
    )


def _dropped(results: Results) -> Two:
    if not results.dropped:
        return Two("alle kom af sted", "all set out")
    dropped = number(results.dropped)
    return Two(f"og {dropped.da} kom aldrig af sted", f"and {dropped.en} never set out")
