"""Numbers and moments as Danes and as English readers write them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime, time

NBSP = "\u00a0"
MONTHS = (
    ("januar", "January"),
    ("februar", "February"),
    ("marts", "March"),
    ("april", "April"),
    ("maj", "May"),
    ("juni", "June"),
    ("juli", "July"),
    ("august", "August"),
    ("september", "September"),
    ("oktober", "October"),
    ("november", "November"),
    ("december", "December"),
)
# Decimals worth reading of a duration of at least so many seconds.
SECOND_DIGITS = ((100, 0), (10, 1), (0.1, 2), (0, 3))
_SWAP = str.maketrans(",.", ".,")
MOST_DIGITS = 6


class Two(NamedTuple):
    """The same thing said in Danish and in English."""

    da: str
    en: str


def english(value: float, digits: int = 0) -> str:
    """Return `value` with commas between thousands and a decimal point."""
    return f"{value:,.{digits}f}"


def danish(value: float, digits: int = 0) -> str:
    """Return `value` with dots between thousands and a decimal comma."""
    return english(value, digits).translate(_SWAP)


def number(value: float, digits: int = 0) -> Two:
    """Return `value` in both languages."""
    return Two(danish(value, digits), english(value, digits))


def seconds(value: float, digits: int | None = None) -> Two:
    """Return a duration in seconds, with its unit, in both languages."""
    plain = number(value, second_digits(value) if digits is None else digits)
    return Two(f"{plain.da}{NBSP}s", f"{plain.en}{NBSP}s")


def second_digits(value: float) -> int:
    """Return how many decimals of a duration are worth reading."""
    return 0 if value == 0 else next(digits for least, digits in SECOND_DIGITS if value >= least)


def exact_digits(value: float) -> int:
    """Return how many decimals `value` was written with, as far as a float tells."""
    return next(
        (d for d in range(MOST_DIGITS) if math.isclose(round(value, d), value)), MOST_DIGITS
    )


def exact_seconds(value: float) -> Two:
    """Return a duration that a person set, with the decimals that it was set with."""
    return seconds(value, exact_digits(value))


def share(value: float, digits: int | None = None) -> Two:
    """Return a share of one as a percentage in both languages."""
    percent = 100 * value
    plain = number(percent, share_digits(percent) if digits is None else digits)
    return Two(f"{plain.da}{NBSP}%", f"{plain.en}%")


def share_digits(percent: float) -> int:
    """Return the decimals with which a percentage is neither falsely 0 nor falsely 100."""
    if float(percent).is_integer():
        return 0
    digits = 1
    while digits < MOST_DIGITS and round(percent, digits) in (0, 100):
        digits += 1
    return digits


def gibibytes(value: int) -> str:
    """Return a size in bytes as an English text in GiB, or MiB where it is small."""
    if value >= 2**30:
        return f"{value / 2**30:,.1f}{NBSP}GiB"
    return f"{value / 2**20:,.1f}{NBSP}MiB"


def date(moment: datetime) -> Two:
    """Return the day in words."""
    danish_month, english_month = MONTHS[moment.month - 1]
    return Two(
        f"{moment.day}. {danish_month} {moment.year}",
        f"{moment.day} {english_month} {moment.year}",
    )


def clock(moment: time | datetime) -> str:
    """Return the time of day to the second."""
    return f"{moment:%H:%M:%S}"


def since_midnight(moment: time) -> int:
    """Return the whole seconds of `moment` since midnight."""
    return moment.hour * 3600 + moment.minute * 60 + moment.second


def clock_at(second: float) -> str:
    """Return the time of day of a second since midnight; a next day begins again at 00."""
    whole = int(second) % 86_400
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"
