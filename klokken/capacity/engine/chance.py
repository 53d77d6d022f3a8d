"""Random numbers by counter: every draw follows from (seed, pupil, request, attempt, purpose).

No draw depends on the order in which events happen, so a platform that is changed meets the same
pupils with the same work. All is done in integers: a logarithm from the C library may differ in
its last bit between two machines, and with it the hash of a result. The one table of logarithms
comes from `decimal`, whose results the standard defines digit by digit.
"""

from __future__ import annotations

from decimal import Context, Decimal
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from klokken.capacity.engine.compiled import internal

if TYPE_CHECKING:
    from klokken.capacity.engine.model import Integers

# What a draw is for.
DEMAND, PAUSE, THINK, PLACE = 0, 1, 2, 3
# Patience is a draw for thinking at a depth that no thought has.
PATIENCE_DEPTH = 1
# A factor of a mean in binary fixed point: 1 is 2**16.
ONE = 1 << 16

_STEPS = 4096
_LN2 = int(Decimal(2).ln(Context(prec=30)) * 2**32)

# SplitMix64's constants: Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
# OOPSLA 2014.
_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_30, _27, _31 = np.uint64(30), np.uint64(27), np.uint64(31)
_1 = np.uint64(1)
_52, _40, _32 = np.uint64(52), np.uint64(40), np.uint64(32)
_12_BITS = np.uint64(0xFFF)
_MOST_HALVINGS = 40


@cache
def logarithms() -> Integers:
    """Return -ln(1/2 + i/8192) for i from 0 to 4096, times 2**32."""
    context = Context(prec=30)
    steps = (Decimal(_STEPS + i) / (2 * _STEPS) for i in range(_STEPS + 1))
    return np.array([int(-step.ln(context) * 2**32) for step in steps], np.int64)


@internal
def mixed(word: np.uint64) -> np.uint64:
    """Return SplitMix64's finaliser of `word`: every bit depends on every bit."""
    word = (word ^ (word >> _30)) * _FIRST
    word = (word ^ (word >> _27)) * _SECOND
    return word ^ (word >> _31)


@internal
def drawn(seed: int, pupil: int, request: int, attempt: int, depth: int, purpose: int) -> np.uint64:
    """Return 64 random bits."""
    who = mixed(np.uint64(seed) * _GAMMA + mixed(np.uint64(pupil) + _GAMMA))
    what = ((request * 1024 + attempt) * 16 + depth) * 4 + purpose
    return mixed(who + np.uint64(what + 1) * _GAMMA)


@internal
def below(bits: np.uint64, limit: int) -> int:
    """Return a whole number from 0 to `limit` - 1, which is at most 2**31."""
    # To compiled code, int() of an unsigned number is unsigned.
    return np.int64(((bits >> _32) * np.uint64(limit)) >> _32)  # type: ignore[return-value]


@internal
def quantile(bits: np.uint64, table: Integers) -> int:
    """Return one of the entries of a table, all as likely."""
    return table[below(bits, len(table))]


@internal
def exponential(bits: np.uint64, logs: Integers) -> int:
    """Return an exponential number of mean 1, times 2**16.

    It is -ln(u) for u = m / 2**k: k, the zeros at the end of the low 40 bits, is geometric, and
    m, from the high 24 bits, is uniform from 1/2 to 1.
    """
    halvings = 0
    rest = bits
    while halvings < _MOST_HALVINGS and (rest & _1) == np.uint64(0):
        rest >>= _1
        halvings += 1
    step = np.int64(bits >> _52)
    part = np.int64((bits >> _40) & _12_BITS)
    between = ((logs[step + 1] - logs[step]) * part) >> 12
    return (halvings * _LN2 + logs[step] + between) >> 16


@internal
def spread(bits: np.uint64, row: Integers, at: int, logs: Integers) -> int:
    """Return a factor of mean 1, times 2**16; its `shape` begins at a place of a row."""
    scale = row[at + 1]
    if row[at + 2] < ONE and below(mixed(bits), ONE) >= row[at + 2]:
        scale = row[at + 3]
    if scale == 0:
        return row[at]
    return row[at] + ((scale * exponential(bits, logs)) >> 16)


def shape(variation: float) -> list[int]:
    """Return the distribution of mean 1 whose standard deviation is `variation`.

    As [constant, scale, share, other scale], each times 2**16. Up to 1 it is a constant and an
    exponential part; above, one of two exponentials with balanced means (Allen, "Probability,
    Statistics, and Queueing Theory", 2nd ed., 5.1.5).
    """
    if variation <= 1:
        scale = round(variation * ONE)
        return [ONE - scale, scale, ONE, 0]
    square = variation * variation
    share = (1 + ((square - 1) / (square + 1)) ** 0.5) / 2
    return [0, round(ONE / (2 * share)), round(share * ONE), round(ONE / (2 * (1 - share)))]
