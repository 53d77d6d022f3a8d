"""An exam to simulate: what its clock has each pupil do, and how that comes to whole exams.

Nobody at an exam waits for an answer before the next save is due. Each thing that the clock
begins is therefore an errand that comes at a moment of its own: the login, the paper, each save,
each renewal of the token, the hand-in. All are of the school of their pupil, and only the draws
are the errand's own. The moments are drawn as a storm's, and are not the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from klokken.capacity.engine import column, events
from klokken.capacity.engine.tally import ANSWERED, MINUTE
from klokken.capacity.morning import NANO, Morning
from klokken.curve import draws, seconds
from klokken.errors import InputError
from klokken.storm.sitting import PAPER_DRAW

if TYPE_CHECKING:
    from klokken.capacity.demands import Journey
    from klokken.capacity.engine.model import Integers, Model
    from klokken.capacity.engine.state import State
    from klokken.curve import Floats
    from klokken.exam import Exam
    from klokken.profile import Profile

# The request that fetches a paper, all of its files.
PAPER = "paper"
# A quarter of a kilobyte each at the exact level.
MOST_ERRANDS = 10_000_000
# Of a pupil's errands those without which nobody has sat the exam: login, paper and hand-in. They
# come first, all pupils' logins before all papers.
_NEEDED = 3
_WORD = 2**64


def coming(profile: Profile, journey: Journey, seed: int, fraction: float) -> Morning:
    """Return who comes when: `fraction` of the pupils of a profile, or their errands."""
    morning = Morning.of(profile, seed, fraction)
    return (
        morning if profile.exam is None else _errands(profile, profile.exam, journey, morning, seed)
    )


def simulated(built: Model, morning: Morning) -> State:
    """Run a morning at the exact level; an exam's journeys are counted by pupil."""
    state = events.simulate(built)
    if morning.begins is not None:
        _recount(built, state, len(morning.comes))
    return state


@dataclass(frozen=True, slots=True)
class _Clock:
    """When each pupil asks for the paper, and hands in, in nanoseconds."""

    starts: Integers
    handin: Integers
    least: int
    span: int
    seed: int

    @classmethod
    def of(cls, exam: Exam, opens: int, due: Integers, seed: int) -> _Clock:
        """Return it for pupils who are `due` at these moments; who is late starts late."""
        within = round(exam.paper_within * NANO)
        asks = (draws(_stream(seed, PAPER_DRAW), 0, len(due)) * within).astype(np.int64)
        starts = np.maximum(due, opens + asks)
        drawn = draws(_stream(seed, 1), 0, len(due)).tolist()
        handin = opens + np.array([exam.handin(one) for one in drawn]) * MINUTE
        least, most = exam.autosave_least_seconds.value, exam.autosave_most_seconds.value
        return cls(
            starts,
            np.maximum(starts, handin.astype(np.int64)),
            round(least * NANO),
            round((most - least) * NANO),
            seed,
        )

    def gap(self, number: int) -> Integers:
        """Return how long it is to everybody's save of this number, counted from 1."""
        drawn: Floats = draws(_stream(self.seed, number + 1), 0, len(self.starts))
        return self.least + (drawn * self.span).astype(np.int64)


def _errands(profile: Profile, exam: Exam, journey: Journey, logins: Morning, seed: int) -> Morning:
    opens = round((seconds(exam.starts.value) - seconds(profile.arrivals.opens)) * NANO)
    begins = journey.clocked
    renewal = exam.renewal_seconds
    every = renewal.value if renewal else journey.requests[begins["renew"]].every_seconds
    _check(profile, exam, every, len(logins.people))
    clock, renewed = _Clock.of(exam, opens, logins.due, seed), round(every * NANO)
    saves, renewals = _writing(clock, logins.due + renewed, renewed)
    everybody = logins.people
    parts = [
        (everybody, logins.due, 0),
        (everybody, clock.starts, begins["start"]),
        (everybody, clock.handin, begins["handin"]),
        *((whose, moments, begins["save"]) for whose, moments in saves),
        *((whose, moments, begins["renew"]) for whose, moments in renewals),
    ]
    pupils = np.concatenate([whose for whose, _, _ in parts])
    return Morning(
        people=np.arange(len(pupils)),
        due=np.concatenate([moments for _, moments, _ in parts]),
        schools=logins.schools[pupils],
        seconds=opens // NANO + round(exam.minutes.value * 60) + 1,
        begins=np.concatenate([np.full(len(whose), first) for whose, _, first in parts]),
    )


def _check(profile: Profile, exam: Exam, every: float, pupils: int) -> None:
    """Raise InputError where the errands of so many pupils would not fit into memory."""
    length = exam.minutes.value * 60
    gap = (exam.autosave_least_seconds.value + exam.autosave_most_seconds.value) / 2
    count = round(pupils * (_NEEDED + length / gap + length / max(every, gap)))
    if count > MOST_ERRANDS:
        raise InputError(
            f"profile {profile.name}",
            "pupils",
            f"save, renew and hand in some {count:,} times, and {MOST_ERRANDS:,} can be simulated",
            "give a smaller --fraction, or fewer pupils",
        )


def _writing(
    clock: _Clock, ends: Integers, renewed: int
) -> tuple[list[tuple[Integers, Integers]], list[tuple[Integers, Integers]]]:
    """Return whose saves are when, and whose token is renewed when, each by its number.

    A token is renewed with whatever is first sent once it `ends`, and ends again so much later.
    """
    saves, renewals = [], []
    moment, number, ends, writing = clock.starts, 0, ends.copy(), np.arange(len(ends))
    while len(writing):
        if number:
            saves.append((writing, moment[writing]))
        old = writing[moment[writing] >= ends[writing]]
        renewals.append((old, moment[old]))
        ends[old] = moment[old] + renewed
        number += 1
        moment = moment + clock.gap(number)
        writing = np.flatnonzero(moment < clock.handin)
    old = np.flatnonzero(clock.handin >= ends)
    return saves, [*renewals, (old, clock.handin[old])]


def _recount(built: Model, state: State, pupils: int) -> None:
    """Count whole exams: one is completed by who got in, has the paper and handed in.

    It counts in the minute in which the pupil was due, and is no wait.
    """
    errands = built.arrivals[:, column.PERSON]
    outcome, due = np.zeros((2, len(errands)), np.int64)
    outcome[errands] = state.people[:, column.OUTCOME]
    due[errands] = built.arrivals[:, column.DUE]
    needed = outcome[: _NEEDED * pupils].reshape(_NEEDED, pupils)
    first = np.argmax(needed != ANSWERED, axis=0)
    ended = needed[first, np.arange(pupils)]
    minutes = np.minimum(due[:pupils] // MINUTE, built.minutes - 1)
    state.offered[:] = np.bincount(minutes, minlength=built.minutes)
    state.counts[-1] = 0
    np.add.at(state.counts[-1], (ended, minutes), 1)
    state.latency[-1] = 0


def _stream(seed: int, number: int) -> int:
    """Return the key of draws that are those of nothing else."""
    return number * _WORD + seed % _WORD
