"""What a load generator must have before a storm, and which workers it runs."""

from __future__ import annotations

import math
import re
from dataclasses import fields, replace
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from klokken.paths import PROJECT
from klokken.storm import clocks
from klokken.storm.clocks import Reading
from klokken.storm.crowd import Crowd
from klokken.storm.facts import Facts, parsed
from klokken.storm.fleet import derive, of
from klokken.storm.readiness import PROCESS_BYTES, Need, complaints, need_of
from klokken.storm.stations import SPARE, enough, spread
from loadtests.exam import DOCUMENT
from loadtests.logbook import attempted, lines
from loadtests.steps import Draft
from tests import storms
from tests.unit.test_plan import plan

WHOLE = st.integers(0, 10**9)
NEEDS = st.builds(Need, *[WHOLE] * len(fields(Need)))
TOLD = """cores 2
ports 10240 65535
files 262144
limit 1d 6h 30min
conntrack 262144 44
memory 2048000
disk 1000000 4096
addresses 198.18.0.111 fd00::1
busy
"""
READY = Facts(
    cores=2,
    ports=10**9,
    open_files=10**9,
    unit_seconds=math.inf,
    conntrack=10**9,
    memory_bytes=10**9,
    disk_bytes=10**9,
    addresses=frozenset({"198.18.0.111"}),
    busy=False,
)
OWN = ["198.18.0.111"]


def test_the_facts_of_a_host_are_read_from_what_it_tells() -> None:
    found = parsed(TOLD)
    assert found == Facts(
        cores=2,
        ports=55_296,
        open_files=262_144,
        unit_seconds=30.5 * 3600,
        conntrack=262_100,
        memory_bytes=2_097_152_000,
        disk_bytes=4_096_000_000,
        addresses=frozenset({"198.18.0.111", "fd00::1"}),
        busy=False,
    )
    without = TOLD.replace("conntrack 262144 44\n", "").replace("262144", "infinity")
    assert parsed(without).conntrack is None
    assert parsed(without).open_files > 2**60
    assert parsed(TOLD.replace("1d 6h 30min", "infinity")).unit_seconds == math.inf
    assert parsed(TOLD + "busy klokken-master.service loaded active running Locust").busy


@given(st.sampled_from(TOLD.split("\n")), st.text(max_size=30))
def test_a_host_that_tells_nonsense_is_an_error_and_no_more(line: str, instead: str) -> None:
    try:
        found = parsed(TOLD.replace(line, instead) if line else instead)
    except (KeyError, ValueError):
        return
    assert isinstance(found, Facts)


@given(NEEDS)
def test_a_host_that_has_all_that_is_needed_is_ready(need: Need) -> None:
    assert complaints(READY, OWN, need) == []


@given(NEEDS, NEEDS)
def test_a_host_is_ready_for_less_than_it_is_ready_for(one: Need, other: Need) -> None:
    have = Facts(2, one.ports, one.open_files, one.seconds, one.conntrack, one.memory_bytes,
                 one.disk_bytes, READY.addresses, busy=False)  # fmt: skip
    lacks = sum(getattr(other, field.name) > getattr(one, field.name) for field in fields(Need))
    assert complaints(have, OWN, one) == []
    found = complaints(have, OWN, other) if one.ports else []
    assert len(found) == (lacks if one.ports else 0)
    assert not [line for line in found if "\n" in line]


@pytest.mark.parametrize(
    ("lack", "mend"),
    [
        ({"ports": 400}, r"1,000 source ports .*ip_local_port_range, or give it 3 addresses"),
        ({"open_files": 999}, "1,000 open files and may have 999; raise `loadgen_open_files`"),
        ({"conntrack": 999}, "raise net.netfilter.nf_conntrack_max"),
        ({"memory_bytes": 999}, "of memory"),
        ({"disk_bytes": 999}, "make room there"),
        ({"unit_seconds": 999.0}, "1,000 s .* ended after 999 s; raise `loadgen_storm_limit`"),
        ({"busy": True}, "another storm is being rung there"),
        ({"addresses": frozenset()}, "has no address 198.18.0.111; run `klokken up`"),
    ],
)
def test_each_thing_that_a_host_lacks_says_what_to_raise(lack: dict[str, Any], mend: str) -> None:
    (line,) = complaints(replace(READY, **lack), OWN, Need(*[1000] * len(fields(Need))))
    assert re.search(mend, line)


def test_the_exam_that_a_person_sits_by_default_may_last_as_long_as_its_units() -> None:
    defaults = yaml.safe_load((PROJECT / "roles/loadgen/defaults/main.yml").read_text())
    limit = parsed(TOLD.replace("1d 6h 30min", defaults["loadgen_storm_limit"]))
    whole = plan("exam")
    need = need_of(whole, of(whole), whole.workers, master=True)
    assert 4 * 3600 < need.seconds <= limit.unit_seconds


def test_a_host_that_follows_no_connections_needs_no_room_for_them() -> None:
    need = Need(0, 0, 10**12, 0, 0, 0)
    assert complaints(replace(READY, conntrack=None), OWN, need) == []


@given(
    st.floats(0.1, 1e4),
    st.floats(0, 1e5),
    st.floats(0, 1e6),
    st.floats(0, 1e4),
    st.lists(st.integers(0, 8), min_size=1),
)
def test_what_the_hosts_need_together_is_what_the_storm_needs(
    peak: float, pupils: float, connections: float, closed: float, workers: list[int]
) -> None:
    total = sum(workers)
    if not total:
        return
    fleet = derive(peak, 0.0016, Crowd(pupils, connections, closed, ("", "", "")))
    storm = storms.plan(10, workers=total)
    needs = [need_of(storm, fleet, n, master=at == 0) for at, n in enumerate(workers)]
    # Each is rounded up by itself; one more or less is the rounding of their shares.
    together = sum(need.conntrack for need in needs)
    assert fleet.conntrack - 1 <= together <= fleet.conntrack + len(needs)
    ports = sum(need.ports for need in needs)
    assert fleet.crowd.ports - 1 <= ports <= fleet.crowd.ports + len(needs) + 1
    assert [need.disk_bytes > 0 for need in needs] == [at == 0 for at in range(len(needs))]
    # As many workers as the fleet is derived for need the files that it says.
    whole = need_of(storm.model_copy(update={"workers": fleet.workers}), fleet, fleet.workers,
                    master=True)  # fmt: skip
    assert abs(whole.open_files - fleet.open_files) <= 1


def test_an_exam_needs_memory_for_everybody_who_sits_it() -> None:
    sat = storms.country_exam()
    need = need_of(sat, of(sat), sat.workers, master=False)
    assert need.memory_bytes > sat.workers * PROCESS_BYTES + 68_600 * 50_000
    assert need.open_files > 6_860


def test_an_exam_needs_room_for_every_save_twice() -> None:
    sat = storms.country_exam()
    need = need_of(sat, of(sat), sat.workers, master=True)
    saves = 210 * 60 / 45
    assert need.disk_bytes > 2 * 68_600 * saves * line_bytes()
    assert need_of(sat, of(sat), sat.workers, master=False).disk_bytes == 0


def line_bytes() -> int:
    """Return the length of a line of the log of writes, of a pupil far down the list."""
    draft = Draft(68_599, "elev0068599", 48, DOCUMENT, "autosave", "0" * 64, 20_000, 1e9)
    etag = "0" * 32
    told = attempted(draft, 1.79e9, 5025.123456, 5025.234567, status=204, etag=etag)
    return len(lines({"writes": [told.model_dump()]}).encode())


@given(st.integers(0, 300), st.lists(st.integers(1, 64), min_size=1, max_size=10))
def test_workers_are_spread_so_that_no_core_is_left_idle_beside_a_shared_one(
    workers: int, cores: list[int]
) -> None:
    counts = spread(workers, cores)
    assert sum(counts) == workers
    free = [have - used for have, used in zip(cores, counts, strict=True)]
    if workers <= sum(cores):
        assert min(free) >= 0
    else:
        assert max(free) - min(free) <= 1


@given(st.floats(0, 1e4), st.integers(1, 1000))
def test_more_workers_ring_than_would_do_and_no_more_than_there_are_cores(
    peak: float, cores: int
) -> None:
    need = derive(peak, 0.0016, Crowd(peak * 30, peak * 30, peak, ("", "", "")))
    found = enough(need, cores)
    assert found == min(cores, SPARE * need.workers)
    assert found >= min(cores, need.workers)


@given(st.floats(-10, 10), st.floats(-10, 10), *[st.floats(0, 0.5)] * 4)
def test_the_true_difference_of_two_clocks_is_within_what_is_uncertain(  # noqa: PLR0913, PLR0917
    one: float, other: float, there: float, back: float, to_other: float, from_other: float
) -> None:
    """Ask two clocks over ways that take their time, there and back."""

    def asked(clock: float, there: float, back: float) -> Reading:
        half = (there + back) / 2
        return Reading(clock + there - half, half)

    first, second = asked(one, there, back), asked(other, to_other, from_other)
    ahead, uncertain = clocks.difference(first, second)
    assert abs(ahead - (other - one)) <= uncertain + 1e-9
