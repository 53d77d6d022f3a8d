"""Why a storm passed, failed or could not judge, in sentences of both languages."""

from __future__ import annotations

from klokken.report.accounts import main_sums
from klokken.report.numbers import NBSP, Two, exact_seconds, number, seconds
from klokken.report.requirements import Requirement, apart, broken, requirement
from klokken.results import Generator, Judgement, Results, Verdict
from klokken.verdict import BUSIEST_CORES, WORTH_NAMING


def reasons(results: Results) -> list[Two]:
    """Return why the verdict is what it is, most important first."""
    if results.verdict is Verdict.INVALID:
        return _invalid(results)
    told = broken(results) if results.verdict is Verdict.FAIL else _of_journeys(results)
    return [_sentence(requirement(judgement, results)) for judgement in told]


def _of_journeys(results: Results) -> list[Judgement]:
    """Return what was asked of whole journeys; the table has what was asked of their requests."""
    journey = results.plan.profile.journey
    whole = [judgement for judgement in results.judgements if judgement.request_class == journey]
    return whole or results.judgements


def _sentence(asked: Requirement) -> Two:
    """Say what was asked and what was measured."""
    name, limit, measured = asked.name, asked.limit, asked.measured
    if not asked.served:
        return Two(
            f"{name.da}: 99{NBSP}% måtte højst vente {limit.da}; ingen kom igennem.",
            f"{name.en}: 99% were to wait at most {limit.en}; nobody got through.",
        )
    if asked.kind == "seconds":
        return Two(
            f"{name.da}: 99{NBSP}% måtte højst vente {limit.da}; målt: {measured.da}.",
            f"{name.en}: 99% were to wait at most {limit.en}; measured: {measured.en}.",
        )
    if asked.kind == "share":
        return Two(
            f"{name.da}: højst {limit.da} måtte mislykkes; {measured.da} mislykkedes.",
            f"{name.en}: at most {limit.en} were to fail; {measured.en} failed.",
        )
    return Two(
        f"{name.da}, {asked.what.da}: {limit.da} tilladt, {measured.da} målt.",
        f"{name.en}, {asked.what.en}: {limit.en} allowed, {measured.en} measured.",
    )


def _invalid(results: Results) -> list[Two]:
    """Say in both languages what can be derived; the record's own words stand beside it."""
    return [*_generator(results), *_counts(results), *_sums(results)]


def _generator(results: Results) -> list[Two]:
    found, generator = [], results.generator
    if generator.cut_short:
        found.append(
            Two(
                "Stormen blev afbrudt, før den var forbi; her er, hvad der nåede at blive målt.",
                "The storm was cut short; here is what was measured until then.",
            )
        )
    if generator.lost_workers:
        found.append(
            Two(
                f"Belastningsgeneratoren mistede {generator.lost_workers} af "
                f"{results.plan.workers} arbejdere undervejs.",
                f"The load generator lost {generator.lost_workers} of "
                f"{results.plan.workers} workers on the way.",
            )
        )
    return [*found, *_late(results), *_busy(generator)]


def _late(results: Results) -> list[Two]:
    found, generator = [], results.generator
    limit = results.plan.profile.generator.lateness_p999_seconds.value
    for late, did in (
        (generator.lateness.p999, Two("elever blev sendt af sted", "pupils set out")),
        (generator.wakes.p999, Two("ventende elever gik videre", "waiting pupils went on")),
    ):
        if late <= limit:
            continue
        told, most = seconds(late, apart(limit, late, 3)), exact_seconds(limit)
        found.append(
            Two(
                f"Belastningsgeneratoren var for sen: 1 af 1.000 {did.da} "
                f"{told.da} eller mere for sent; grænsen er {most.da}.",
                f"The load generator was late: 1 in 1,000 {did.en} {told.en} or more "
                f"after their time; the limit is {most.en}.",
            )
        )
    if found and generator.stolen_worst >= WORTH_NAMING:
        stolen = number(generator.stolen_worst, 1)
        found.append(
            Two(
                f"Andre tog op til {stolen.da} kerner fra generatorens maskine i et sekund: "
                "gentag stormen, når der er ro, eller på en maskine for sig selv.",
                f"Others took up to {stolen.en} cores of the generator's machine in a second: "
                "storm again when they are quiet, or on a machine of its own.",
            )
        )
    return found


def _busy(generator: Generator) -> list[Two]:
    return [
        _too_busy(cores, who)
        for cores, who in (
            (generator.cpu_busiest, Two("travleste arbejder", "busiest worker")),
            (generator.cpu_master, Two("leder (Locusts master)", "master")),
        )
        if cores > BUSIEST_CORES
    ]


def _too_busy(cores: float, who: Two) -> Two:
    busy = number(cores, apart(BUSIEST_CORES, cores, 2))
    most = number(BUSIEST_CORES, 1)
    return Two(
        f"Generatorens {who.da} brugte {busy.da} kerner; grænsen er {most.da}.",
        f"The generator's {who.en} used {busy.en} cores; the limit is {most.en}.",
    )


def _sums(results: Results) -> list[Two]:
    if all(total.difference == 0 for total in main_sums(results)):
        return []
    return [Two("Regnskabet over eleverne går ikke op.", "The pupils do not add up.")]


def _counts(results: Results) -> list[Two]:
    found = []
    if results.dropped:
        dropped, offered = number(results.dropped), number(results.offered)
        found.append(
            Two(
                f"{dropped.da} af {offered.da} elever blev aldrig sendt af sted.",
                f"{dropped.en} of {offered.en} pupils never set out.",
            )
        )
    if results.offered != results.plan.offered:
        asked, offered = number(results.plan.offered), number(results.offered)
        found.append(
            Two(
                f"Planen bad om {asked.da} elever; generatoren talte {offered.da}.",
                f"The plan asked for {asked.en} pupils; the generator counted {offered.en}.",
            )
        )
    return found
