"""A stack that `klokken size --write` wrote, declared to Pulumi's own mocks."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from klokken import stackconfig
from klokken.capacity.sizing import stack
from klokken.capacity.sizing.run import size
from klokken.capacity.sizing.task import Choices
from klokken.stackconfig import StackConfig
from klokken.topology import Tier
from tests.stacks.test_site import Recorder, declare, engine

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["engine"]


@pytest.mark.parametrize("profile", ["south-schleswig", "morning"])
def test_pulumi_takes_a_stack_that_was_sized(
    profile: str,
    engine: Recorder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stackconfig, "PROJECT", tmp_path)
    found = size(Choices(profile, providers=("hetzner",)), date(2026, 11, 22))
    stack.write("sized", found)
    config = StackConfig.read("sized")
    hosts = declare(engine, config).of("LabHost")
    counts = {tier: sum(name.rstrip("0123456789") == tier for name in hosts) for tier in Tier}
    fits = found.plan.fits
    assert counts[Tier.EDGE] == fits[Tier.EDGE].hosts
    assert counts[Tier.IDENTITY] == fits[Tier.IDENTITY].hosts
    assert counts[Tier.DATABASE] == 1
    if profile == "morning":
        assert counts[Tier.DRIVE] == fits[Tier.DRIVE].up
    addresses = [host["address"] for host in hosts.values()]
    assert len({*addresses}) == len(addresses)
