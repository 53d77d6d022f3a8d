"""The result as people read it: a table, and the page in docs/benchmarks/."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.directory.cells import DIRECTORIES
from benchmarks.directory.measurement import BLOCK, CHUNK, PARALLEL, ROUNDS
from benchmarks.directory.outcome import figures
from benchmarks.facts import facts

if TYPE_CHECKING:
    from benchmarks.directory.outcome import Comparison, Figures

NAMES = {
    "first_login": "first login",
    "drives": "`me/drives`",
    "home": "PROPFIND of the home",
    "put": "PUT 20 KB",
    "get": "GET 20 KB",
}
_HEAD = """\
| request | accounts | slapd CPU ms | embedded CPU ms | slapd p50 / p95 ms | embedded p50 / p95 ms |\
 failed |
|---|---|---|---|---|---|---|"""


def table(comparison: Comparison) -> str:
    """Return a row for each kind of request at each step, as Markdown."""
    rows = []
    for request, name in NAMES.items():
        for step in comparison.steps:
            both = [figures(comparison, step, request, d) for d in DIRECTORIES]
            if not any(both):
                continue
            failed = " / ".join(f"{f.failed} of {f.sent}" if f else "-" for f in both)
            cells = [name, f"{step:,}", *map(_cpu, both), *map(_times, both), failed]
            rows.append(f"| {' | '.join(cells)} |")
    return "\n".join([_HEAD, *rows])


def _cpu(found: Figures | None) -> str:
    if found is None:
        return "-"
    return f"{found.cpu:.1f} ({found.cpu_least:.1f} to {found.cpu_most:.1f})"


def _times(found: Figures | None) -> str:
    return "-" if found is None else f"{found.p50:.0f} / {found.p95:.0f}"


def growth(comparison: Comparison) -> list[str]:
    """Say by how much each request became dearer from the fewest accounts to the most."""
    first, last = comparison.steps[0], comparison.steps[-1]
    said = []
    for request, name in NAMES.items():
        factors = []
        for directory in DIRECTORIES:
            few = figures(comparison, first, request, directory)
            many = figures(comparison, last, request, directory)
            if few and many and few.cpu > 0:
                factors.append(f"{many.cpu / few.cpu:.1f} times with {directory}")
        if factors:
            said.append(f"- {name}: {', '.join(factors)}")
    return said


def document(comparison: Comparison) -> str:
    """Return the page docs/benchmarks/directory.md."""
    found, first, last = comparison, comparison.steps[0], comparison.steps[-1]
    before = ", ".join(f"{n} with {d}" for d, n in found.accounts_before.items())
    steps = ",".join(str(step) for step in found.steps)
    grown = "\n".join(growth(found))
    return f"""\
# The embedded directory against slapd

What the drive's requests cost as accounts grow in number, with the directory that is built into the drive and with slapd beside it: two cells of one stack, asked in turn within one run. Written by `python -m benchmarks.directory`.

{table(found)}

CPU is that of the drive and slapd together, for one request: the median of the blocks and, in brackets, the least and the most. Durations are the client's, over all requests. Failed: with slapd / with the embedded one.

CPU of a request at {last:,} accounts, against {first:,}:

{grown}

## How it was measured
- Accounts `elev0000001` and on were made at both cells by first logins, {PARALLEL} at a time, {CHUNK} in turn at one cell and the other. Each person signed in at Keycloak once for both; that is not in the figures. The cells held {before} accounts before it began.
- At each number of accounts, {BLOCK} people spread over all of them sent each request once, one after the other, in {ROUNDS} rounds; the cells took turns in going first.
- CPU is read from `/proc/PID/stat` before a block and a second after it. What the idle cell used over an equally long pause (5 s at most, scaled) is subtracted. The clock ticks in 10 ms, so a block of {BLOCK} tells CPU to about 0.5 ms a request.
- A first login counts from opening the connection; the other requests found one open.
- Blocks of first logins in which an account had been there before are left out.

{facts(found)}

## To repeat
Have two cells in the stack's config, `drive: {{count: 2, hosts: {{drive2: {{drive_directory: embedded}}}}}}`, best in a stack that is fresh. Then:

```sh
klokken up {found.stack}
python -m benchmarks.directory --stack {found.stack} --steps {steps}
```

Everything measured is in [directory.json](directory.json).
"""
