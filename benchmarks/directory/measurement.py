"""The measurement: accounts are made at both cells in turn, then both are asked in turn."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.directory.outcome import Block
from klokken.errors import MachineError
from loadtests.probe import Doing, Order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.directory.cells import Cell
    from loadtests.probe import Told

REQUESTS: tuple[Doing, ...] = ("drives", "home", "put", "get")
# Requests a block, and blocks of each kind at each step and cell.
BLOCK, ROUNDS = 40, 3
# Accounts made between two readings, and how many people sign in or come first at a time.
CHUNK, PARALLEL = 100, 4
# Seconds for a drive to finish what it does after its answer.
SETTLE = 1.0
# The idle drive is watched for as long as a block took, at most for so many seconds.
LONGEST_IDLE = 5.0


@dataclass(slots=True)
class Measurement:
    """Compares `cells`, which `ask` has asked; no step begins after `ends` (monotonic seconds)."""

    cells: Sequence[Cell]
    ask: Callable[[Order], Told]
    ends: float
    shown: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def run(self, steps: Sequence[int]) -> Iterator[Block]:
        """Yield every block. Ends early when time is up."""
        there = 0
        for step in steps:
            while there < step:
                if self.clock() > self.ends:
                    self.shown("time is up")
                    return
                chunk = list(range(there, min(there + CHUNK, step)))
                yield from self._first_logins(step, chunk)
                there += len(chunk)
                self.shown(f"{there} of {step} accounts made")
            yield from self._repeated(step)

    def _first_logins(self, step: int, chunk: list[int]) -> Iterator[Block]:
        """Make accounts at every cell. Where one had been made before, nothing is told."""
        self._sign_in(chunk)
        for cell in self._in_turn(chunk[0] // CHUNK):
            before = cell.accounts()
            block = self._block(cell, step, "first_login", chunk, PARALLEL)
            failed = len(chunk) - len(block.seconds)
            if failed > len(chunk) // 2:
                raise MachineError(f"{cell.host.name}: {failed} first logins failed {block.causes}")
            if block.accounts - before == len(block.seconds):
                yield block
            else:
                self.shown(f"{cell.host.name}: some accounts were there before; not counted")

    def _repeated(self, step: int) -> Iterator[Block]:
        """Ask for what pupils ask daily, by people from the first account to the last."""
        people = sample(step)
        for turn in range(ROUNDS):
            # Fresh tokens each round, so that none is renewed within a block; and each is shown
            # to the cells beforehand, which ask Keycloak about a token that they do not know.
            self._sign_in(people)
            for cell in self.cells:
                self.ask(Order(do="drives", accounts=people, cell=cell.number))
            for request in REQUESTS:
                for cell in self._in_turn(turn):
                    yield self._block(cell, step, request, people, 1)
            self.shown(f"{step} accounts: round {turn + 1} of {ROUNDS}")

    def _block(
        self, cell: Cell, step: int, request: Doing, people: list[int], parallel: int
    ) -> Block:
        """Send one request for each of `people`, and tell what it cost the cell."""
        start, began = cell.cpu_seconds(), self.clock()
        told = self.ask(Order(do=request, accounts=people, cell=cell.number, parallel=parallel))
        self.sleep(SETTLE)
        spent, done = self.clock() - began, cell.cpu_seconds()
        pause = min(spent, LONGEST_IDLE)
        self.sleep(pause)
        idle = (cell.cpu_seconds() - done) / pause
        return Block(
            step=step,
            request=request,
            directory=cell.directory,
            accounts=cell.accounts(),
            sent=len(people),
            cpu_seconds=round(max(0.0, done - start - idle * spent), 4),
            idle_cores=round(idle, 5),
            seconds=told.seconds,
            causes=told.causes,
        )

    def _sign_in(self, people: list[int]) -> None:
        told = self.ask(Order(do="sign_in", accounts=people, parallel=PARALLEL))
        if told.causes:
            self.shown(f"signing in: {told.causes}")

    def _in_turn(self, turn: int) -> Sequence[Cell]:
        """Return the cells, another first each time, so that neither is favoured by its place."""
        return self.cells if turn % 2 == 0 else self.cells[::-1]


def sample(people: int) -> list[int]:
    """Return the numbers of BLOCK people, spread evenly over so many; all, where they are fewer."""
    count = min(BLOCK, people)
    return [number * people // count for number in range(count)]
