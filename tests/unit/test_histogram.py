"""Latency histograms, filled at once or value by value."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from klokken import histogram

VALUES = st.lists(st.floats(-1.0, 4000.0) | st.floats(0.0, 0.01), max_size=50)


@given(VALUES, VALUES)
def test_many_values_at_once_count_as_one_by_one(first: list[float], second: list[float]) -> None:
    at_once, single = histogram.empty(), histogram.empty()
    for values in (first, second):
        histogram.add_all(at_once, values)
        for value in values:
            histogram.add(single, value)
    assert histogram.encoded(at_once) == histogram.encoded(single)
    assert histogram.latency(at_once) == histogram.latency(single)
