"""The result as people read it: the tables, and the page docs/benchmarks/country.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.facts import facts

if TYPE_CHECKING:
    from benchmarks.country.outcome import Country, Run

MIB = 2**20
# What the load engine is to keep: bytes of all workers and of a pupil in the schedule, seconds
# until it is ready, lateness in seconds at half a core.
GOALS = {"resident": 400 * MIB, "pupil": 200.0, "ready": 10.0, "lateness": 0.010}
HALF = 0.5

_STEPS = """\
| one worker | of a core | journeys/s | CPU ms a journey | lateness p50 | p99 | p99.9 | most, ms |
|---|---|---|---|---|---|---|---|"""


def table(found: Country) -> str:
    """Return the goals and how punctual a worker was, as Markdown."""
    return f"{goals(found)}\n\n{_steps(found)}"


def goals(found: Country) -> str:
    """Return each goal beside what was measured."""
    took, pupils = found.schedule.footprint, max(1, found.schedule.offered)
    # A worker's own memory, without the pupils, of whom a larger fleet has no more.
    own = (took.resident_bytes - took.schedule_bytes) / max(1, found.schedule.workers)
    fleet = found.fleet_workers * own + took.schedule_bytes
    half = min(found.steps, key=lambda run: abs(run.share - HALF))
    rows = [
        (
            f"{pupils:,} waiting pupils, {found.schedule.workers} workers resident",
            f"{took.resident_bytes / MIB:.0f} MiB, {took.proportional_bytes / MIB:.0f} of it own",
            f"{GOALS['resident'] / MIB:.0f} MiB",
            took.resident_bytes <= GOALS["resident"],
        ),
        (
            f"the same over the {found.fleet_workers} workers that it takes at a site",
            f"{fleet / MIB:,.0f} MiB, derived: {own / MIB:.0f} MiB each, and the pupils",
            f"{GOALS['resident'] / MIB:.0f} MiB",
            fleet <= GOALS["resident"],
        ),
        (
            "most of it while the schedule was made",
            f"{found.schedule.memory_bytes / MIB:.0f} MiB",
            f"{GOALS['resident'] / MIB:.0f} MiB",
            found.schedule.memory_bytes <= GOALS["resident"],
        ),
        (
            "a pupil in the schedule",
            f"{took.schedule_bytes / pupils:.0f} bytes",
            f"{GOALS['pupil']:.0f} bytes",
            took.schedule_bytes / pupils <= GOALS["pupil"],
        ),
        (
            "schedule ready after",
            f"{took.schedule_seconds:.2f} s",
            f"{GOALS['ready']:.0f} s",
            took.schedule_seconds < GOALS["ready"],
        ),
        (
            f"lateness p99.9 at {half.share:.2f} of a core",
            f"{half.lateness.p999 * 1000:.1f} ms",
            f"{GOALS['lateness'] * 1000:.0f} ms",
            half.lateness.p999 < GOALS["lateness"],
        ),
    ]
    lines = [
        f"| {what} | {is_} | {goal} | {'yes' if kept else 'no'} |" for what, is_, goal, kept in rows
    ]
    return "\n".join(["| what | measured | goal | reached |", "|---|---|---|---|", *lines])


def _steps(found: Country) -> str:
    runs = [*found.steps, found.peak]
    return "\n".join([_STEPS, *map(_row, runs)])


def _row(run: Run) -> str:
    late = run.lateness
    times = [f"{1000 * t:.2f}" for t in (late.p50, late.p99, late.p999, late.max)]
    figures = [f"{run.share:.2f}", f"{run.rate / run.workers:,.0f}", f"{run.cpu_milliseconds:.3f}"]
    name = run.what if run.workers == 1 else f"{run.what}, each of {run.workers}"
    return f"| {' | '.join([name, *figures, *times])} |"


def _odd(found: Country) -> str:
    """Say what made a run invalid; the schedule's was stopped on purpose."""
    said = [
        f"- {run.what}: {why}" for run in [*found.steps, found.peak] for why in run.invalid_because
    ]
    return "\n".join(said) or "Every run kept the limits of its profile."


def _waiting(found: Country) -> str:
    rows = [
        f"| {w.journey} | {w.parked / 1024:.1f} KiB | {w.with_greenlet / 1024:.1f} KiB |"
        for w in found.waiting
    ]
    head = [
        "| a pupil who waits in the journey | as it is held | with a greenlet |",
        "|---|---|---|",
    ]
    return "\n".join([*head, *rows])


def document(found: Country) -> str:
    """Return the page docs/benchmarks/country.md."""
    peak = found.peak
    return f"""\
# A whole country in a dry run

What the load generator needs for every one of {found.pupils:,} pupils (profile `{found.profile}`), and how punctual it is. Nothing is sent: a null transport answers in the process after {found.answer_seconds:g} s. Everything else is the real thing: Locust's master and workers as processes, the arrival loop, the journeys with all their parsers, recorder and histograms. TLS and sockets are left out, so a journey at a site costs more; what, is in [generator.md](generator.md). Written by `python -m benchmarks.country`.

{goals(found)}

## How punctual a worker is

{_steps(found)}

The steps are even loads of logins without thinking. The last row is the peak of `{found.profile}` at real speed: {peak.started:,} pupils begun, {peak.rate:,.0f} a second on average, over {peak.workers} workers. Lateness is from the moment a pupil was due to the one its greenlet ran; CPU is of the worker processes, Locust's own work in them included. How punctual one is that also does TLS, and from which share of a core on it is not, is in [generator.md](generator.md) too; [fleets](../dry-runs.md) are planned at half a core.

{_odd(found)}

## Pupils who wait

{_waiting(found)}

A pupil not yet due is {found.schedule.footprint.schedule_bytes / max(1, found.schedule.offered):.0f} bytes in two arrays. One who waits inside its journey - thinks, or writes until the next save - is held as its generator and a timer, and gets a new greenlet when it goes on. An open TLS connection comes to that, about 25 KiB; it is closed for waits of over a minute.

## How it was measured
- Schedule: the whole morning is scheduled at real speed and stopped before many are due. Ready counts from the moment a worker was given its pupils to the moment the last array was sorted and the collector had run; memory is `VmRSS`, `VmHWM` and `Pss` of the workers' `/proc/self`, Python, Locust and libraries included.
- Steps: a short run tells what a journey costs, and each step the rate of the next.
- Waiting: processes of their own with so many pupils inside their journeys, resident memory before and after.

{facts(found)}

## To repeat

```sh
python -m benchmarks.country
klokken storm {found.profile} --dry-run
```

The second rings the whole morning, at real speed. Everything measured is in [country.json](country.json).
"""
