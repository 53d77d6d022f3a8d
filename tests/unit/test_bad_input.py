"""What a person writes wrongly is told in one line: the file, the field and the mend."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from klokken.errors import Exit, InputError
from klokken.inventory import Inventory
from klokken.paths import PROJECT
from klokken.stackconfig import StackConfig, config_path

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLE = yaml.safe_load((PROJECT / "stacks/examples/lab.yaml").read_text())["config"]


def changed(path: str, value: Any) -> dict[str, Any]:
    """Return the example's config with the field at `path` (slashes between) set to `value`."""
    config = copy.deepcopy(EXAMPLE)
    place = config
    *parents, last = path.split("/")
    for part in parents:
        place = place[part]
    place[last] = value
    return dict(config)


def test_the_example_is_valid() -> None:
    assert StackConfig.parse(EXAMPLE, "the example").site.accounts == 6500


def parsed(config: dict[str, Any]) -> StackConfig:
    """Read a config as that of the stack `lab`, with what its substrate asks of it."""
    found = StackConfig.parse(config, "Pulumi.lab.yaml")
    found.substrate.check("lab", found.site, "Pulumi.lab.yaml")
    return found


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("klokken:site/tiers/edge/count", "two", "klokken.site.tiers.edge.count"),
        ("klokken:site/tiers/edge/count", -1, "klokken.site.tiers.edge.count"),
        ("klokken:site/tiers/egde", {}, "klokken.site.tiers.egde"),
        ("klokken:site/accounts", 0, "klokken.site.accounts"),
        ("klokken:site/accounts", True, "klokken.site.accounts"),
        ("klokken:site/domain", "not a domain", "klokken.site.domain"),
        ("klokken:site/domain", "skole", "klokken.site.domain"),
        ("klokken:site/network", "10.0.0.0/24", "klokken.site.network"),
        ("klokken:site/network", "198.18.0.0/28", "klokken.site.network"),
        ("klokken:site/nettwork", "198.18.0.0/24", "klokken.site.nettwork"),
        ("klokken:site/network", "8.8.0.0/16", "klokken.site.network"),
        ("klokken:substrate", "moon", "klokken.substrate"),
        ("klokken:substrate", {"kind": "moon"}, "klokken.substrate"),
        ("klokken:storms", "perhaps", "klokken.storms"),
        ("klokken:site", "a word", "klokken.site"),
    ],
)
def test_a_wrong_stack_config_names_its_field(path: str, value: Any, field: str) -> None:
    with pytest.raises(InputError) as caught:
        parsed(changed(path, value))
    line = str(caught.value)
    assert line.startswith("Pulumi.lab.yaml: ")
    assert field in line
    assert "\n" not in line
    assert caught.value.code == Exit.BAD_INPUT


def test_a_misspelt_key_is_recognised() -> None:
    with pytest.raises(InputError, match=r"did you mean 'network'\?"):
        StackConfig.parse(changed("klokken:site/nettwork", "198.18.0.0/24"), "Pulumi.lab.yaml")


@pytest.mark.parametrize("written", ["true", True])
def test_plain_values_may_be_written_as_pulumi_writes_them(written: Any) -> None:
    assert StackConfig.parse(changed("klokken:storms", written), "a test").storms is True


@pytest.mark.parametrize("name", ["", "Lab", "lab/../x", "a" * 40, "-lab", "lab;ls"])
def test_a_stack_name_that_could_name_anything_else_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="not a stack name"):
        config_path(name)


def test_a_lab_has_a_short_name() -> None:
    site = StackConfig.parse(EXAMPLE, "a test").site
    with pytest.raises(InputError, match="too long a name for a lab"):
        StackConfig.parse(EXAMPLE, "a test").substrate.check("a-long-name", site, "a test")


def test_an_inventory_with_an_unknown_tier_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "inventory.yml"
    file.write_text("all: {vars: {}, children: {moon: {hosts: {}}}}")
    with pytest.raises(InputError, match=r"inventory\.yml: "):
        Inventory.read(file)


@pytest.mark.parametrize("text", ["{", "a: b: c", "\x00", "[1, 2]", ""])
def test_a_file_that_is_no_inventory_is_told_in_one_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "inventory.yml"
    file.write_text(text)
    with pytest.raises(InputError) as caught:
        Inventory.read(file)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such file"):
        Inventory.read(tmp_path / "inventory.yml")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.sampled_from(sorted(EXAMPLE)), JSON)
def test_no_value_at_all_can_bring_a_stack_trace(key: str, value: Any) -> None:
    line = ""
    try:
        StackConfig.parse({**EXAMPLE, key: value}, "Pulumi.lab.yaml")
    except InputError as error:
        line = str(error)
    assert "\n" not in line
