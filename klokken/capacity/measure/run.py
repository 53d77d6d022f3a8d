"""A measurement as it is rung: starts, the phases behind them, and steps in their drawn order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from klokken.capacity.measure import exams, schedule, storms
from klokken.capacity.measure.accounts import Accounts
from klokken.capacity.measure.knee import Guess, guessed
from klokken.capacity.measure.schedule import (
    COLD,
    GUESSED,
    MEASURED,
    TRIES,
    WARM,
    WARM_UP,
    WINDOWS,
    Turn,
)
from klokken.capacity.measure.step import Rung, reached, same, step
from klokken.capacity.measure.steps import Rates, Start, Writing
from klokken.errors import MachineError
from klokken.profile import Profile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from klokken.capacity.demands import Demands
    from klokken.capacity.measure.steps import Phase, Step, Steps
    from klokken.capacity.measure.usage import Usage
    from klokken.record import Record
    from klokken.results import StormPlan
    from klokken.topology import Tier

# The profile whose logins take every start through its phases.
FIRST = "minute"
_SEEDS = 10_000


class Engine(Protocol):
    """What a measurement needs of a site; `klokken.capacity.measure.site` has the real one."""

    @property
    def accounts(self) -> int:
        """How many can sign in."""

    def restart(self) -> None:
        """Start the services afresh and wait until all answer."""

    def idle(self) -> Usage:
        """Wait for a while, and return what the site used meanwhile."""

    def usage(self, begin: float, end: float) -> Usage:
        """Return what the site used from `begin` to `end`, Unix seconds."""

    def now(self) -> Usage:
        """Return what the site used a moment ago."""

    def written(self) -> tuple[float, dict[Tier, float]]:
        """Return the time and the bytes that each tier has written by then."""

    def plan(self, profile: Profile, run: str, seed: int, length: int) -> StormPlan:
        """Return a storm of the first seconds of `profile`."""

    def ring(self, plan: StormPlan, folder: Path) -> Record:
        """Ring it, and leave its record in `folder`."""


class Run:
    """Rings what is left of a measurement, and puts each step down when it is over."""

    def __init__(
        self, engine: Engine, steps: Steps, base: Demands, say: Callable[[str], None]
    ) -> None:
        """Take the measurement of `steps`; `base` has the demands that are known so far."""
        self.engine, self.steps, self.base, self.say = engine, steps, base, say
        self.plan = steps.plan
        self.accounts = Accounts(engine.accounts, steps.plan)
        self.profiles = {profile.name: profile for profile in steps.plan.profiles}

    def go_on(self) -> None:
        """Ring until every turn of every start was rung.

        Raises MachineError where others use the machine or its use cannot be read, and
        KlokkenError as storms do.
        """
        if all(self._complete(number) for number in range(1, self.plan.starts + 1)):
            return
        now = self.engine.now()
        if now.gaps:
            raise MachineError(
                f"the site's Prometheus does not tell what it uses ({'; '.join(now.gaps)});"
                f" see `klokken check {self.plan.stack}`"
            )
        if others := now.others():
            raise MachineError(f"{'; '.join(others)}; measure when it is quiet")
        for number in range(1, self.plan.starts + 1):
            if not self._complete(number):
                self._take_turns(self._continued(number) or self._fresh(number))

    def _complete(self, number: int) -> bool:
        return self._prepared(number) and self._next(number) is None

    def _prepared(self, number: int) -> bool:
        phases = {step.phase for step in self.steps.of(number) if not step.excluded}
        return self.steps.rates is not None and {"cold", "warming"} <= phases

    def _next(self, number: int) -> Turn | None:
        rates = self.steps.rates
        if rates is None:
            raise AssertionError("a start is prepared before its turns")
        every = schedule.turns(self.plan, rates.rates, number)
        return schedule.next_turn(every, [s for s in self.steps.of(number) if s.phase == "warm"])

    def _continued(self, number: int) -> Start | None:
        """Return a start that was begun before, where its services still run and are warm."""
        if not self._prepared(number):
            return None
        start, now = self.steps.starts[number], self.engine.now().begun
        if all(same(began, now.get(host)) for host, began in start.begun.items()):
            return start
        self.say(f"start {number}: the services began anew since; so does its measurement")
        return None

    def _fresh(self, number: int) -> Start:
        """Begin a start, again where a phase of it does not count.

        Those cannot be rung again without starting the services again.
        """
        for _ in range(TRIES):
            start = self._started(number)
            against = [
                f"{step.phase}: {reason}"
                for step in self.steps.of(number)
                if step.phase != "guess" or self._must_guess()
                for reason in step.excluded
            ]
            if not against:
                self._settle_rates(start)
                return start
            self.say(f"start {number} does not count; it begins again")
        raise MachineError(
            f"start {number} does not count ({'; '.join(against)}); when that is mended, go on with"
            f" --resume {self.plan.run}"
        )

    def _started(self, number: int) -> Start:
        self.say(f"start {number} of {self.plan.starts}: the services begin afresh")
        self.engine.restart()
        idle = self.engine.idle()
        start = Start(number=number, begun=idle.begun, idle=idle)
        self.steps.add(start)
        self._pass_phases(start)
        return start

    def _pass_phases(self, start: Start) -> None:
        """Take a start through its cold and warming logins, and those that settle what is warm."""
        length = storms.WARMING_LENGTH
        profile = storms.warming(Profile.named(FIRST))
        rung = self._ring(start, Turn(FIRST, 0.0, 0), profile, length)
        cold = reached(rung.record, COLD)
        if cold is None or cold >= length - GUESSED:
            raise MachineError(
                f"start {start.number}: fewer than {COLD} logins were completed in"
                f" {length - GUESSED} s; see {self._folder(rung.plan)}"
            )
        warm = min(reached(rung.record, WARM) or length, length)
        self._put_down(rung, "cold", 0, cold)
        self._put_down(rung, "warming", cold, warm)
        self._put_down(rung, "guess", length - GUESSED, length)

    def _must_guess(self) -> bool:
        return self.steps.rates is None and not self.plan.most.keys() >= self.profiles.keys()

    def _settle_rates(self, start: Start) -> None:
        """Behind the first start, put down which rates are to be rung."""
        if self.steps.rates is not None:
            return
        if self._must_guess():
            last = next(step for step in self.steps.of(start.number) if step.phase == "guess")
            found = guessed(self.plan, self.base, self.accounts, start, last)
            self.say(f"the knee is guessed at {found.knee:.1f} logins/s")
        else:
            most, steps = self.plan.most, self.plan.steps
            given = {n: storms.rates_of(p, most[n], steps) for n, p in self.profiles.items()}
            found = Guess(0.0, given)
        self.steps.add(Rates(knee=found.knee, rates=found.rates))
        for name, rates in found.rates.items():
            what = "pupils" if self.profiles[name].exam else "rates"
            self.say(f"{what} of {name}: {', '.join(f'{rate:g}' for rate in rates)}")

    def _take_turns(self, start: Start) -> None:
        while (turn := self._next(start.number)) is not None:
            base = self.profiles[turn.profile]
            if base.exam:
                self.sit(start, turn)
                continue
            people = storms.people_of(base, self.engine.accounts)
            profile = storms.steady(base, people, turn.rate)
            rung = self._ring(start, turn, profile, WARM_UP + MEASURED)
            self._put_down(rung, "warm", WARM_UP, WARM_UP + MEASURED)

    def sit(self, start: Start, turn: Turn) -> Step:
        """Have an exam of so many pupils sat, and put it down with what each window used."""
        if self.steps.rates is None:
            raise AssertionError("a start is prepared before its turns")
        renews = schedule.renews(self.steps.rates.rates[turn.profile], turn.rate)
        profile = exams.sitting(self.profiles[turn.profile], turn.rate, renews=renews)
        rung = self._ring(start, turn, profile, schedule.EXAM_LENGTH)
        began = rung.record.began
        stretches = [(WINDOWS[0][0], WINDOWS[-1][1]), *WINDOWS]
        whole, *parts = (self.engine.usage(began + a, began + b) for a, b in stretches)
        return self._told(exams.sat(rung, self.base, whole, parts))

    def _ring(self, start: Start, turn: Turn, profile: Profile, length: int) -> Rung:
        count = len(self.steps.steps) + 1
        seed = (self.plan.seed * 100 + start.number) * _SEEDS + count
        name = f"{self.plan.run}-{start.number}-{count}"
        planned = self.engine.plan(profile, name, seed, length)
        begin, before = self.engine.written()
        record = self.engine.ring(planned, self._folder(planned))
        end, after = self.engine.written()
        writing = Writing(
            seconds=end - begin,
            journeys=sum(record.seconds.completed),
            written={tier: max(0.0, after[tier] - before.get(tier, 0.0)) for tier in after},
        )
        return Rung(self.plan.machine, start, turn, planned, record, writing)

    def _put_down(self, rung: Rung, phase: Phase, first: int, end: int) -> Step:
        began = rung.record.began
        usage = self.engine.usage(began + first, began + end)
        return self._told(step(rung, phase, first, end, usage))

    def _told(self, found: Step) -> Step:
        """Put a step down, and say what it was like."""
        self.steps.add(found)
        usage = found.usage
        each = usage.cores / found.achieved * 1000 if found.completed else 0.0
        what = found.load if found.windows else f"{found.achieved:.2f} of {found.profile} a second"
        self.say(
            f"start {found.start}, {found.phase}: {what},"
            f" p95 {found.whole.p95:.2f} s, {usage.cores:.2f} cores ({each:.0f} ms each,"
            f" idle included), others {usage.taken:.2f}"
            + (f"; EXCLUDED: {'; '.join(found.excluded)}" if found.excluded else "")
            + (f"; FELL SHORT: {'; '.join(found.short)}" if found.short else "")
        )
        return found

    def _folder(self, planned: StormPlan) -> Path:
        return self.steps.path.parent / "storms" / planned.run.removeprefix(f"{self.plan.run}-")
