"""The real site of a measurement, as far as it can be had without one."""

from __future__ import annotations

import contextlib
import time
import urllib.parse
from typing import TYPE_CHECKING, Any

import pytest

from klokken import telemetry
from klokken.capacity.measure import samples, services, site, storms
from klokken.capacity.measure.site import Site
from klokken.errors import MachineError
from klokken.profile import Profile
from klokken.topology import Tier
from tests.unit.test_plan import inventory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from klokken.remote import Remote


@pytest.fixture
def where(tmp_path: Path) -> Site:
    """Return a site whose hosts are nowhere."""
    return Site(inventory(), shared=True, drive=False, log=tmp_path / "storms.log")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """Return what Prometheus was asked; it knows nothing."""
    found: list[dict[str, str]] = []

    def get(path: str) -> Any:
        found.append(dict(urllib.parse.parse_qsl(path.removeprefix("query?"))))
        return {"data": {"result": []}}

    @contextlib.contextmanager
    def prometheus(_: Any) -> Iterator[Callable[[str], Any]]:
        yield get

    monkeypatch.setattr(telemetry, "prometheus", prometheus)
    return found


def test_prometheus_is_asked_for_raw_samples_around_the_stretch(
    where: Site, asked: list[dict[str, str]]
) -> None:
    found = where.usage(1000.0, 1030.0)
    assert {query["query"].rpartition("[")[2] for query in asked} == {"43s]"}
    assert {float(query["time"]) for query in asked} == {1030 + samples.EDGE}
    assert "edge1: not read at an edge of the step" in found.gaps


def test_it_waits_until_the_end_of_the_stretch_has_been_read(
    where: Site, asked: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    now = time.time()
    where.usage(now - 30, now)
    assert samples.EDGE - 1 < slept[0] <= samples.EDGE
    where.now()
    assert slept[1] == 0
    assert len(asked) == 2 * len(samples.QUERIES)


def test_bytes_written_are_told_by_tier_where_hosts_tell(
    where: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def written(hosts: list[Remote]) -> float | None:
        return None if hosts[0].name == "edge1" else 4096.0

    monkeypatch.setattr(services, "written", written)
    assert where.written()[1] == dict.fromkeys([Tier.IDENTITY, Tier.DATABASE, Tier.DRIVE], 4096.0)


def test_a_storm_is_rung_by_as_many_workers_as_any_of_its_rate(
    where: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site, "worker_count", lambda _: 2)
    profile = storms.steady(Profile.named("minute"), where.accounts, 10.0)
    plan = where.plan(profile, "run-1", 7, storms.LENGTH)
    assert (plan.run, plan.seed, plan.workers) == ("run-1", 7, 2)


def test_what_a_storm_says_meanwhile_is_kept(
    where: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site, "ring", lambda *_, out: out.write("peak\n"))
    where.ring(None, tmp_path)  # type: ignore[arg-type]
    assert where.log.read_text() == "peak\n"
    where.log.unlink()
    where.log.symlink_to(tmp_path)
    with pytest.raises(MachineError, match="cannot be written"):
        where.ring(None, tmp_path)  # type: ignore[arg-type]
