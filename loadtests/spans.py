"""The histograms of a storm, merged as they come.

Workers hand over the one of a span within seconds of each other. So a few are open at a time,
and what the master holds of the rest is their text; nothing is left to be merged at the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from klokken import histogram
from klokken.record import SPAN_SECONDS, Span

if TYPE_CHECKING:
    from hdrh.histogram import HdrHistogram

# Start, class and kind.
Key: TypeAlias = tuple[int, str, str]

# Seconds after which a span is taken to be whole; one that is not opens again.
_OPEN_SECONDS = 6 * SPAN_SECONDS


class Spans:
    """One histogram a span, class and kind, exactly merged over the workers."""

    def __init__(self) -> None:
        """Begin without any."""
        self._texts: dict[Key, str] = {}
        self._open: dict[Key, HdrHistogram] = {}
        self._latest = 0

    def add(self, start: int, name: str, kind: str, hdr: str) -> None:
        """Add what one worker recorded, encoded."""
        key = (start, name, kind)
        if key in self._open:
            self._open[key].decode_and_add(hdr)
        elif key in self._texts:
            # Only here, where a second worker has something to say, is it worth decoding.
            self._open[key] = histogram.merged([self._texts.pop(key), hdr])
        else:
            self._texts[key] = hdr
        if start > self._latest:
            self._latest = start
            self._close(start - _OPEN_SECONDS)

    def whole(self) -> list[Span]:
        """Return all, in the order of time."""
        self._close(self._latest + 1)
        return [
            Span.model_validate({"start": start, "request_class": name, "kind": kind, "hdr": hdr})
            for (start, name, kind), hdr in sorted(self._texts.items())
        ]

    def _close(self, before: int) -> None:
        for key in [key for key in self._open if key[0] < before]:
            self._texts[key] = histogram.encoded(self._open.pop(key))
