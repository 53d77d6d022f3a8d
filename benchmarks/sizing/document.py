"""The results as people read them: the page in docs/benchmarks/, and Denmark in docs/sizing.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.facts import facts, spread
from klokken.capacity.sizing.answer import BUDGET_DKK_YEAR, LICENCES_DKK_YEAR
from klokken.topology import Tier

if TYPE_CHECKING:
    from benchmarks.sizing.outcome import Answer, Benchmark, Timing
    from klokken.capacity.sizing.answer import TierAnswer

GOAL_SECONDS = 120.0
# From this line on a run of the benchmark writes docs/sizing.md.
BEGINS = "<!-- What follows is written by `python -m benchmarks.sizing`. -->"
LOGINS, DRIVES = "denmark", "denmark-morning"


def document(found: Benchmark) -> str:
    """Return the page docs/benchmarks/sizing.md."""
    rows = "\n".join(row(timing) for timing in found.timings)
    slowest = found.slowest(LOGINS, DRIVES)
    first, first_cpu = found.first
    verdict = "yes" if slowest < GOAL_SECONDS else "**no**"
    return f"""\
# How long sizing takes

Written by `python -m benchmarks.sizing`. Figures are medians of {len(found.timings[0].rounds)} rounds; in brackets the least and the greatest.

| goal | reached | measured |
|---|---|---|
| `klokken size` for Denmark in under two minutes | {verdict} | {slowest:.0f} s at worst, compiled before; {first:.0f} s ({first_cpu:.0f} s of CPU) the first time ever |

| command | answer | people simulated | clock s | CPU s |
|---|---|---|---|---|
{rows}

Each command ran in a process of its own, and each round all of them. It searches all price lists, then simulates every pupil and request of the morning of one site: with all hosts, with one of the edge down, with one of identity down, and with the loss of a database and of a cell of the drive until another host has taken over. `waves` searches only. One core is used, at the lowest priority beside other work: the clock says as much of that as of the command, CPU does not. What is found for Denmark stands in [how large, and what it costs](../sizing.md#denmark).

{facts(found)}

Everything measured is in [sizing.json](sizing.json).
"""


def row(timing: Timing) -> str:
    """Return the row of one command."""
    clock, cpu = spread(timing.clock, ".1f"), spread(timing.cpu, ".1f")
    found, answer, people = timing.answer, f"{timing.waves} waves, today's among them", "-"
    if found:
        size = f"{found.sites} x {found.pupils_a_site:,} pupils, {found.title}"
        answer = f"{size}, {found.cost.month_eur:,.0f} EUR a month"
        people = f"{found.mornings} x {found.people:,}"
    return f"| `{timing.command}` | {answer} | {people} | {clock} | {cpu} |"


def denmark(found: Benchmark, pupil_mb: float) -> str:
    """Return what docs/sizing.md says of Denmark; `pupil_mb` is what is kept of a pupil at most."""
    logins, drives = found.answer(LOGINS), found.answer(DRIVES)
    columns = "\n".join(f"| {' | '.join(row)} |" for row in _rows(found))
    flat, bells = found.flat, found.bells
    low, high = (dkk / 1e6 for dkk in LICENCES_DKK_YEAR)
    now, mended = _tier(drives, Tier.DRIVE), _tier(flat, Tier.DRIVE)
    return f"""\
{BEGINS}

With the lab's demands, the prices that {_dates(logins, drives)} and {logins.pupils:,} pupils at 08:00, [found](benchmarks/sizing.md) in {found.slowest(LOGINS, DRIVES):.0f} s at worst:

| | logins alone, `{LOGINS}` | with the drive, `{DRIVES}` |
|---|---|---|
{columns}

The kommuner pay {low:.0f} to {high:.0f} million a year for licences today. What this rests on, and would change it most:

- **The drive's list of drives.** It makes cells small and hosts many. Were it mended so that no request grows with accounts, the same search takes {_hosts(mended)} a site ({_sites(flat)}) instead of {_hosts(now)} ({_sites(drives)}), and {flat.cost.month_eur:,.0f} EUR a month for all. {drives.hosts:,} small hosts are the cheapest, and not the easiest to run.
- **Documents.** {pupil_mb:g} MB a pupil is assumed at the upper end; nobody has measured it.
- **The database's writes.** With the drive, teachers come as well. How many pupils a site can have follows from what the disk of one database is assumed to take.
- **Bells that do not ring at once** make logins cheaper: with a quarter of the schools at 07:50 and a quarter at 08:10 ([`bells`](arrivals.md)), logins alone take {bells.cost.month_eur:,.0f} EUR a month instead of {logins.cost.month_eur:,.0f}.
"""


def _rows(found: Benchmark) -> list[list[str]]:
    both = [found.answer(LOGINS), found.answer(DRIVES)]
    told = [
        ("cheapest with sourced prices", [_cheapest(one) for one in both]),
        *(
            (f"{tier}, a site", [_each(one, tier) for one in both])
            for tier in (Tier.EDGE, Tier.IDENTITY, Tier.DATABASE, Tier.DRIVE)
        ),
        ("EUR a month", [f"{one.cost.month_eur:,.0f}" for one in both]),
        ("DKK a month", [f"{one.cost.month_dkk:,.0f}" for one in both]),
        ("DKK a pupil and month", [f"{one.cost.pupil_month_dkk:.2f}" for one in both]),
        ("million DKK a year", [f"{one.cost.year_dkk / 1e6:.2f}" for one in both]),
        (
            f"of the {BUDGET_DKK_YEAR / 1e6:.0f} million for all 98 kommuner",
            [f"{one.cost.share_of_budget:.1%}" for one in both],
        ),
    ]
    return [[head, *cells] for head, cells in told]


def _cheapest(answer: Answer) -> str:
    return f"{answer.title}, {_sites(answer)}, {answer.hosts:,} hosts"


def _sites(answer: Answer) -> str:
    return "one site" if answer.sites == 1 else f"{answer.sites} sites"


def _each(answer: Answer, name: Tier) -> str:
    tier = _tier(answer, name)
    if tier is None:
        return "-"
    cell = ""
    if name is Tier.DRIVE:
        pupils = answer.pupils_a_site / (tier.hosts - tier.may_be_down)
        cell = f" with about {pupils:,.0f} pupils each"
    return f"{_hosts(tier)}{cell}, by {tier.bound}"


def _tier(answer: Answer, name: Tier) -> TierAnswer | None:
    return next((tier for tier in answer.tiers if tier.tier is name), None)


def _hosts(tier: TierAnswer | None) -> str:
    return f"{tier.hosts} {tier.kind}" if tier else "none"


def _dates(*answers: Answer) -> str:
    told = sorted({f"{one.title} had on {one.dated.day} {one.dated:%B %Y}" for one in answers})
    return " and ".join(told)
