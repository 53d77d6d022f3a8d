"""The trials of a run: each one generator, from its start to its end."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Protocol

from benchmarks.generator.case import Case, Login
from benchmarks.generator.contenders import FAST, K6, K6_EXPRESSION, KLOKKEN, NAMES, PLAIN, running
from benchmarks.generator.meter import cpu_seconds, memory_bytes
from benchmarks.generator.outcome import Part, Trial, Waiting
from klokken.errors import MachineError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchmarks.generator.contenders import Run

# Seconds from the first login to the window, and from its end to that of the trial.
_SETTLING, _AFTER = 2, 2
# Seconds in which a generator must have begun.
_PATIENCE = 60.0
# Above this rate a stock Locust is past its limit, and only the others are compared.
STOCK_RATE = 25.0
SHARES = (0.25, 0.5, 0.75)
# Waiting pupils enough to be seen in the memory of their generator, a few and many.
_CROWDS = {KLOKKEN: (1000, 301_000), K6: (10, 310), FAST: (10, 1010), PLAIN: (10, 1010)}
_WAITING_SECONDS = 20.0
_STEP = 1.25


class Site(Protocol):
    """Where logins go, and what is seen there of them."""

    @property
    def login(self) -> Login:
        """The login that all go through."""

    def begun(self, since: float) -> bool:
        """Whether a login was done since a Unix time."""

    def between(self, begin: float, end: float) -> int:
        """How many were done in a stretch of Unix time."""

    def tls(self, since: float) -> str:
        """Return what TLS they agreed on."""

    def split(self, since: float) -> int:
        """Return how many were not on one connection of their own."""


@dataclass
class Bench:
    """Puts generators before a `site`, one at a time, and keeps what came of it."""

    site: Site
    folder: Path
    seconds: int
    show: Callable[[str], None]
    names: tuple[str, ...] = NAMES
    trials: list[Trial] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)

    def cost(self, rates: list[float], repeats: int) -> None:
        """Measure each generator at each rate, in an order drawn anew for every repeat."""
        cells = [
            (name, rate)
            for rate in rates
            for name in self.names
            if rate <= STOCK_RATE or name not in {FAST, PLAIN}
        ]
        for _ in range(repeats):
            for name, rate in random.sample(cells, len(cells)):
                self.trials.append(self._trial("cost", name, rate))

    def lateness(self, costs: dict[str, float], repeats: int) -> None:
        """Measure at shares of a core, given CPU-milliseconds a login of each generator."""
        cells = [
            (name, share)
            for name in self.names
            if name in costs and name != K6_EXPRESSION
            for share in SHARES
        ]
        for _ in range(repeats):
            for name, share in random.sample(cells, len(cells)):
                rate = round(1000 * share / costs[name], 1)
                self.trials.append(self._trial("lateness", name, rate, share))

    def limit(self, costs: dict[str, float]) -> None:
        """Raise the rate of each generator until it does not hold, or uses a whole core."""
        for name in self.names:
            if name not in costs or name == K6_EXPRESSION:
                continue
            rate = 1000 * 0.7 / costs[name]
            while True:
                found = self._trial("limit", name, round(rate, 1))
                self.trials.append(found)
                if not found.held:
                    break
                rate *= _STEP

    def wait(self) -> None:
        """Measure the memory of a few waiting pupils, and of many."""
        for name, crowds in _CROWDS.items():
            for pupils in crowds if name in self.names else ():
                case = Case(login=self.site.login, rate=0, seconds=600, waiting=pupils)
                with running(name, case, self.folder / f"waiting-{name}-{pupils}") as run:
                    time.sleep(_WAITING_SECONDS)
                    if not run.alive():
                        raise MachineError(f"benchmark: {name} ended: {run.said()}")
                    found = memory_bytes(run.pids)
                self.show(f"{name}, {pupils} waiting: {found / 2**20:.0f} MiB")
                self.waiting.append(Waiting(name=name, pupils=pupils, memory_bytes=found))

    def typical(self) -> dict[str, float]:
        """Return each generator's CPU-milliseconds a login at the highest rate it was given."""
        found: dict[str, float] = {}
        for name in self.names:
            rates = [t.rate for t in self.trials if (t.part, t.name) == ("cost", name)]
            costs = [
                t.milliseconds
                for t in self.trials
                if (t.part, t.name, t.rate) == ("cost", name, max(rates)) and t.done
            ]
            if costs:
                found[name] = median(costs)
        return found

    def _trial(self, part: Part, name: str, rate: float, share: float = 0.0) -> Trial:
        length = _SETTLING + self.seconds + _AFTER
        case = Case(login=self.site.login, rate=rate, seconds=length)
        folder = self.folder / f"{len(self.trials)}-{part}-{name}"
        start = time.time()
        with running(name, case, folder) as run:
            if not self._begins(run, start):
                self.show(f"{part}: {name} at {rate:g}/s: not one login in all its time")
                return Trial(
                    part=part,
                    name=name,
                    rate=rate,
                    seconds=length,
                    done=0,
                    cpu_seconds=0,
                    memory_bytes=0,
                    failed=case.count,
                    lateness=None,
                    share=share,
                )
            time.sleep(_SETTLING)
            begin, used = time.time(), cpu_seconds(run.pids)
            time.sleep(self.seconds)
            end, used = time.time(), cpu_seconds(run.pids) - used
            memory = memory_bytes(run.pids)
            own = run.own()
            found = Trial(
                part=part,
                name=name,
                rate=rate,
                seconds=end - begin,
                done=self.site.between(begin, end),
                cpu_seconds=used,
                memory_bytes=memory,
                failed=own.failed,
                lateness=own.lateness,
                share=share,
                tls=self.site.tls(start),
                split=self.site.split(start),
            )
        self.show(
            f"{part}: {name} at {rate:g}/s: {found.achieved:.1f}/s, {found.milliseconds:.2f} ms,"
            f" {found.cores:.2f} cores, {found.failed} failed"
        )
        return found

    def _begins(self, run: Run, since: float) -> bool:
        """Wait for the first login; return False where the generator ends without one."""
        end = time.monotonic() + _PATIENCE
        while not self.site.begun(since):
            if any(process.poll() for process in run.processes) or time.monotonic() > end:
                raise MachineError(f"benchmark: {run.name} did not begin: {run.said()}")
            if run.processes[0].poll() is not None:
                return False
            time.sleep(0.1)
        return True
