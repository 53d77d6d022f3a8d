"""The result as people read it: tables, and the page docs/benchmarks/generator.md."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from benchmarks.facts import facts, spread
from benchmarks.generator import goals
from benchmarks.generator.contenders import NAMES
from benchmarks.generator.outcome import each_pupil

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.generator.outcome import Comparison, Trial


def tables(found: Comparison) -> str:
    """Return a table for each part, or that it was not measured, and what they come to."""
    costs = [_costs(found), goals.costs(found)]
    return "\n\n".join(
        [*costs, _lateness(found), goals.lateness(found), _limits(found), _waiting(found)]
    )


def _costs(found: Comparison) -> str:
    trials = [trial for trial in found.trials if trial.part == "cost"]
    rates = sorted({trial.rate for trial in trials})
    rows = [
        [
            name,
            f"{rate:g}",
            str(len(these)),
            spread(t.achieved for t in these),
            spread(t.milliseconds for t in these if t.done),
            spread((t.memory_bytes / 2**20 for t in these), ".0f"),
            str(sum(t.failed for t in these)),
        ]
        for rate in rates
        for name in NAMES
        if (these := [t for t in trials if (t.name, t.rate) == (name, rate)])
    ]
    head = ["generator", "offered/s", "trials", "achieved/s", "CPU ms a login", "MiB PSS", "failed"]
    return _table("## CPU a login at the same rate", head, rows)


def _lateness(found: Comparison) -> str:
    trials = [trial for trial in found.trials if trial.part == "lateness"]
    rows = [
        [
            name,
            f"{share:.0%}",
            f"{median(t.rate for t in these):g}",
            spread(t.cores for t in these),
            *_late(these),
        ]
        for name in NAMES
        for share in sorted({trial.share for trial in trials})
        if (these := [t for t in trials if (t.name, t.share) == (name, share)])
    ]
    head = ["generator", "aimed at", "offered/s", "cores used"]
    return _table(
        "## Lateness, in milliseconds", [*head, "late p50", "late p99", "late p99.9"], rows
    )


def _late(trials: Iterable[Trial]) -> list[str]:
    told = [trial.lateness for trial in trials if trial.lateness]
    return [
        spread((1000 * late.p50 for late in told), ".1f"),
        spread((1000 * late.p99 for late in told), ".1f"),
        spread((1000 * late.p999 for late in told), ".1f"),
    ]


def _limits(found: Comparison) -> str:
    trials = [trial for trial in found.trials if trial.part == "limit"]
    rows = [
        [
            trial.name,
            f"{trial.rate:g}",
            f"{trial.achieved:.0f}",
            spread([trial.milliseconds] if trial.done else []),
            f"{trial.cores:.2f}",
            str(trial.failed),
            "yes" if trial.held else "no",
        ]
        for name in NAMES
        for trial in trials
        if trial.name == name
    ]
    head = ["generator", "offered/s", "achieved/s", "CPU ms a login", "cores", "failed", "held?"]
    return _table("## To the limit of each", head, rows)


def _waiting(found: Comparison) -> str:
    rows = [
        [
            name,
            f"{min(crowds)[1] / 2**20:.0f}",
            f"{max(crowds)[0]:,}",
            f"{max(crowds)[1] / 2**20:.0f}",
            f"{each:,.0f}" if (each := each_pupil(found.waiting, name)) is not None else "-",
        ]
        for name in NAMES
        if (crowds := [(w.pupils, w.memory_bytes) for w in found.waiting if w.name == name])
    ]
    head = ["generator", "MiB PSS at rest", "pupils waiting", "MiB PSS then", "bytes a pupil"]
    return _table("## Memory of pupils who wait to be due", head, rows)


def _table(title: str, head: list[str], rows: list[list[str]]) -> str:
    if not rows:
        return f"{title}\n\nNot measured."
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join([title, "", *(f"| {' | '.join(cells)} |" for cells in lines)])


def document(found: Comparison) -> str:
    """Return the page."""
    where = (
        "nginx on loopback, which answers with recorded pages, so that a platform is no part of what is measured"
        if found.against == "null"
        else f"the stack {found.against}"
    )
    split = sum(t.split for t in found.trials)
    tls = "; ".join(sorted({f"{t.name}: {t.tls}" for t in found.trials if t.tls}))
    return f"""\
# The load generator beside its peers

The same login (the page with the form, the password, the code for tokens with PKCE) from Klokken's engine and from what one would pick instead, against {where}. Written by `python -m benchmarks.generator`.

{tables(found)}

## How it was measured
- A login is three requests on a TLS connection of its own, with a whole handshake that verifies the site's certificate: only Locust's FastHttpUser does not verify, as its documentation has it. Redirects are not followed, the form is parsed, the ID token is read and its claims are checked.
- Logins come at a steady rate whether or not the site is ready: Klokken's and k6's each at its own moment, at even distances, a stock Locust's as users started so many a second, in a clump each second.
- CPU is what the scheduler counted for all processes of the generator in a window that begins two seconds after its first login. Klokken's is of a master and a worker as `klokken storm` starts them. The null site's own log says how many logins were done, and that none resumed a session; {split} in all trials were not on one connection of their own (k6 opens a second now and then).
- MiB are PSS (proportional set size) of all processes of the generator: what they share, such as libraries, is divided among who shares it.
- Trials follow each other in an order drawn anew for each repeat. A cell has the median and, in brackets, the least and the greatest. A trial kept to the rate where nothing failed and it did within 5 % of what was asked.
- k6 parses the page with its HTML parser, as its documentation shows; the row "form by expression" is the same script with a regular expression in its place, which is what Klokken and both stock users have.
- Lateness is how long after its moment a login began, over the whole trial. k6 tells it in whole milliseconds; a stock Locust has no such moment.
- A waiting pupil is one who is not yet due: an entry of the schedule to Klokken, a sleeping User to a stock Locust, a sleeping VU to k6. At rest is with a few of them.
- A recorded token holds one nonce and one name. All four generators are given these to check for; [engine.py](../../benchmarks/generator/engine.py) puts them where Klokken checks, and changes nothing else.
- TLS as agreed: {tls or "see the edge's log"}. Python's, Go's and Klokken's libraries are as they come; k6 and rustls offer a post-quantum share too, which costs them a little and this site does not take.

{facts(found)}

## To repeat

```sh
python -m benchmarks.generator --repeats 5
```

k6 is built from its Go module the first time; nginx is unpacked from its Debian package where the machine has none. Parts can be run by themselves and added to what is there: `python -m benchmarks.generator --add cost limit`; `--page` writes this page anew of what is there, and measures nothing. With `--against STACK --rates 4 cost` the logins go to a stack that is up, at whose edge its names must resolve. Everything measured is in [{"generator" if found.against == "null" else "generator-lab"}.json]({"generator" if found.against == "null" else "generator-lab"}.json).
"""
