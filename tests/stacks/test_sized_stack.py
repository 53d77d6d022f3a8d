"""A stack that `klokken size --write` wrote, declared to Pulumi's own mocks."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from klokken import stackconfig
from klokken.capacity.sizing import stack
from klokken.capacity.sizing.run import size
from klokken.capacity.sizing.task import Choices
from klokken.errors import InputError
from klokken.stackconfig import StackConfig
from klokken.topology import Tier
from tests.clouds import STACK, declared, refused
from tests.stacks.test_site import Recorder, declare, engine

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["engine"]

pytestmark = pytest.mark.heavy


TODAY = date(2026, 11, 22)
# What the example of a stack on OpenStack says that Cleura calls its kinds.
CLEURA = {"4-8": "4C-8GB", "8-16": "8C-16GB"}


@pytest.mark.parametrize("profile", ["south-schleswig", "morning"])
def test_pulumi_takes_a_stack_that_was_sized(
    profile: str,
    engine: Recorder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stackconfig, "PROJECT", tmp_path)
    found = size(Choices(profile, providers=("stackit",)), TODAY)
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


@pytest.mark.parametrize(
    ("provider", "server", "field", "names"),
    [
        ("hetzner", "hcloud:index/server:", "serverType", str.lower),
        ("cleura", "openstack:compute/instance:", "flavorName", CLEURA.get),
        ("ovh", "openstack:compute/instance:", "flavorName", str),
    ],
)
def test_the_cloud_that_was_priced_is_asked_for_the_kinds_that_were_sized(  # noqa: PLR0913, PLR0917 - fixtures
    provider: str,
    server: str,
    field: str,
    names: Callable[[str], str],
    key: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stackconfig, "PROJECT", tmp_path)
    found = size(Choices("morning", providers=(provider,)), TODAY)
    said = stack.write("sized", found)
    assert any(line.startswith("put yours in place of its owner") for line in said)
    config = StackConfig.read("sized")
    substrate = config.substrate.model_copy(update={"ssh_key": Path(key)})
    seen = declared(config.model_copy(update={"substrate": substrate}))
    assert refused(seen) == []
    kinds = {a.name: a.inputs[field] for a in seen.declared if a.typ.startswith(server)}
    for tier in Tier:
        fit = found.plan.fits.get(tier)
        ordered = {kind for name, kind in kinds.items() if name.startswith(f"{STACK}-{tier}")}
        assert ordered == {names(fit.kind if fit else found.plan.single[0])}


@pytest.mark.parametrize(
    ("provider", "title"), [("stackit", "STACKIT"), ("safespring", "Safespring")]
)
def test_a_cloud_whose_kinds_nobody_can_order_leaves_the_lab(
    provider: str, title: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stackconfig, "PROJECT", tmp_path)
    said = stack.write("sized", size(Choices("minute", providers=(provider,)), TODAY))
    assert f"a lab knows no kinds of hosts, and no stack orders those of {title} yet" in said
    assert StackConfig.read("sized").substrate.kind == "lab"


def test_a_site_that_the_cloud_cannot_hold_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stackconfig, "PROJECT", tmp_path)
    found = size(Choices("minute", providers=("hetzner",)), TODAY)
    fits = dict(found.plan.fits)
    fits[Tier.IDENTITY] = replace(fits[Tier.IDENTITY], up=99)
    large = replace(found, plan=replace(found.plan, fits=fits))
    with pytest.raises(InputError, match="hosts, and a network has at most 100"):
        stack.write("sized", large)
    assert not (tmp_path / "Pulumi.sized.yaml").exists()
