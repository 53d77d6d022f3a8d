"""What a stack's config tells the roles is looked at before a host is made."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from hypothesis import given
from hypothesis import strategies as st

from klokken.errors import Exit, InputError
from klokken.inventory import Inventory
from klokken.paths import PROJECT
from klokken.roles import EXPRESSION, KINDS, require_known, roles_of, variables_of
from klokken.stackconfig import StackConfig
from klokken.topology import Tier

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EXAMPLES = sorted((PROJECT / "stacks" / "examples").glob("*.yaml"))
FILE = "Pulumi.lab.yaml"
VARIABLES = [(tier, name) for tier in Tier for name in variables_of(tier)]


def parsed(tier: str, **size: Any) -> StackConfig:
    tiers = {tier: size}
    site = {"domain": "skole.test", "network": "198.18.0.0/24", "accounts": 1, "tiers": tiers}
    return StackConfig.parse({"klokken:substrate": "lab", "klokken:site": site}, FILE)


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_every_example_says_to_the_roles_what_they_take(file: Path) -> None:
    site = yaml.safe_load(file.read_text())["config"]["klokken:site"]
    for tier, size in site["tiers"].items():
        require_known(Tier(tier), size.get("variables", {}), file, tier)


@pytest.mark.parametrize(
    ("tier", "given_", "line"),
    [
        (
            "edge",
            {"edge_tls_curve": []},
            "edge_tls_curve: no variable of the tier edge; did you mean 'edge_tls_curves'?",
        ),
        (
            "edge",
            {"drive_source": "module"},
            "drive_source: no variable of the tier edge; it is one of the tier drive",
        ),
        ("edge", {"xyzzy": 1}, "xyzzy: no variable of the tier edge; remove it"),
        (
            "edge",
            {"edge_identity_maxconn": "8"},
            "edge_identity_maxconn: not a whole number (got '8'); give a whole number",
        ),
        (
            "edge",
            {"edge_identity_maxconn": True},
            "edge_identity_maxconn: not a whole number (got True); give a whole number",
        ),
        (
            "edge",
            {"edge_queue_timeout": 5},
            "edge_queue_timeout: not a text (got 5); give a text",
        ),
        (
            "edge",
            {"edge_queue_timeout": None},
            "edge_queue_timeout: not a text (got nothing); give a text",
        ),
        (
            "edge",
            {"edge_tls_curves": "P-256"},
            "edge_tls_curves: not a list (got 'P-256'); give a list",
        ),
        (
            "edge",
            {"edge_tls_curves": ["P-256", 25519]},
            "edge_tls_curves.1: not a text (got 25519); give a text",
        ),
        ("edge", {"edge_retry_after": [5, 15]}, "edge_retry_after: not a mapping; give a mapping"),
        ("edge", {"edge_retry_after": {"least": 5}}, "edge_retry_after.most: missing; add it"),
        (
            "edge",
            {"edge_retry_after": {"least": 5, "most": 15, "mots": 3}},
            "edge_retry_after.mots: unknown key; did you mean 'most'?",
        ),
        (
            "drive",
            {"drive_product": "nextcloud"},
            "drive_product: none of its choices (got 'nextcloud'); choose ocis, opencloud",
        ),
        (
            "drive",
            {"drive_versions": "yes"},
            "drive_versions: not true or false (got 'yes'); give true or false",
        ),
        (
            "metrics",
            {"metrics_jobs": [{"name": "own", "tier": "edge"}]},
            "metrics_jobs.0.port: missing; add it",
        ),
        (
            "edge",
            {"site_domain": "other.test"},
            "site_domain: not given here; remove it: Klokken sets it itself",
        ),
        (
            "edge",
            {"ansible_host": "10.0.0.1"},
            "ansible_host: not given here; remove it: Klokken sets it itself",
        ),
        (
            "edge",
            {"site_secret_ca_key": "mine"},
            "site_secret_ca_key: not given here; remove it: Klokken sets it itself",
        ),
    ],
)
@pytest.mark.parametrize("place", ["variables", "hosts"])
def test_what_a_role_does_not_take_is_refused_in_one_line(
    tier: str, given_: dict[str, Any], line: str, place: str
) -> None:
    of_one = place == "hosts"
    size = {"hosts": {f"{tier}1": given_}} if of_one else {"variables": given_}
    with pytest.raises(InputError) as refused:
        parsed(tier, **size)
    field = f"hosts.{tier}1" if of_one else "variables"
    assert str(refused.value) == f"{FILE}: klokken.site.tiers.{tier}.{field}.{line}"
    assert refused.value.code == Exit.BAD_INPUT


def test_every_tier_may_be_told_what_all_hosts_take() -> None:
    for tier in Tier:
        assert parsed(tier.value, variables={"base_journal_max_use": "1G"})


def test_an_expression_is_for_the_host_to_work_out() -> None:
    assert parsed("edge", variables={"edge_threads": "{{ ansible_processor_vcpus }}"})


def defaults(role: str) -> dict[str, Any]:
    text = (PROJECT / "roles" / role / "defaults" / "main.yml").read_text()
    return dict(yaml.safe_load(text) or {})


@pytest.mark.parametrize("tier", list(Tier))
def test_every_default_of_every_role_is_accepted(tier: Tier) -> None:
    for role in roles_of(tier):
        require_known(tier, defaults(role), FILE, role)


def kinds(options: dict[str, Any]) -> Iterator[str]:
    """Yield every kind of value that is declared, at any depth."""
    for option in options.values():
        yield option["type"]
        yield from filter(None, [option.get("elements")])
        yield from kinds(option.get("options") or {})


@pytest.mark.parametrize("tier", list(Tier))
def test_every_kind_of_value_that_is_declared_is_known(tier: Tier) -> None:
    assert set(kinds(variables_of(tier))) <= set(KINDS)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "port", "tier", "least", "most", "x"]), inner)
    ),
    max_leaves=6,
)


def refused(tier: Tier, variables: dict[str, Any]) -> str:
    """Return the line about what is wrong, or nothing."""
    try:
        require_known(tier, variables, FILE, "variables")
    except InputError as error:
        return str(error)
    return ""


@given(st.sampled_from(VARIABLES), JSON)
def test_ansible_takes_whatever_is_accepted_here(variable: tuple[Tier, str], value: Any) -> None:
    tier, name = variable
    line = refused(tier, {name: value})
    assert "\n" not in line
    if not line and EXPRESSION not in str(value):
        spec = copy.deepcopy(variables_of(tier)[name])
        found = ArgumentSpecValidator({name: spec}).validate({name: value})
        assert found.error_messages == []


@given(st.sampled_from(list(Tier)), st.text(min_size=1), JSON)
def test_no_unknown_name_passes(tier: Tier, name: str, value: Any) -> None:
    if name not in variables_of(tier):
        assert refused(tier, {name: value})


SITE_VARS = {
    "site_stack": "lab",
    "site_domain": "skole.test",
    "site_network": "198.18.0.0/24",
    "site_accounts": 10,
    "site_storms": False,
    "ansible_ssh_private_key_file": "key",
    "ansible_ssh_common_args": "-o BatchMode=yes",
}
HOST = {"ansible_host": "198.18.0.71", "site_address": "198.18.0.71"}


def inventory(
    folder: Path,
    site: dict[str, Any] | None = None,
    host: dict[str, Any] | None = None,
    variables: dict[str, Any] | None = None,
) -> Path:
    edge = {"hosts": {"edge1": {**HOST, **(host or {})}}, "vars": variables or {}}
    body = {"all": {"vars": {**SITE_VARS, **(site or {})}, "children": {"edge": edge}}}
    file = folder / "inventory.yml"
    file.write_text(yaml.safe_dump(body))
    return file


def test_an_inventory_may_say_of_a_host_what_the_roles_and_a_substrate_need(tmp_path: Path) -> None:
    own = {"ansible_become": True, "edge_threads": 2}
    found = Inventory.read(inventory(tmp_path, host=own, variables={"edge_connections": 9000}))
    assert found.hosts(Tier.EDGE)["edge1"].model_extra == own


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"site": {"site_domain": "not a domain"}}, "all.vars.site_domain"),
        ({"site": {"site_domain": "skole"}}, "all.vars.site_domain"),
        ({"site": {"site_network": "8.8.0.0/16"}}, "all.vars.site_network"),
        ({"site": {"site_accounts": -1}}, "all.vars.site_accounts"),
        ({"site": {"site_accounts": "10"}}, "all.vars.site_accounts"),
        ({"site": {"site_accounts": 3_000_000}}, "all.vars.site_accounts"),
        ({"site": {"site_storms": "yes"}}, "all.vars.site_storms"),
        ({"site": {"site_stack": "../lab"}}, "all.vars.site_stack"),
        ({"host": {"ansible_port": "22"}}, "all.children.edge.hosts.edge1.ansible_port"),
        ({"host": {"ansible_usr": "root"}}, "all.children.edge.hosts.edge1.ansible_usr"),
        ({"host": {"site_address": "here"}}, "all.children.edge.hosts.edge1.site_address"),
        ({"host": {"edge_thread": 2}}, "all.children.edge.hosts.edge1.edge_thread"),
        ({"variables": {"edge_threads": "2"}}, "all.children.edge.vars.edge_threads"),
    ],
)
def test_an_inventory_is_no_looser_than_a_stacks_config(
    tmp_path: Path, changes: dict[str, Any], field: str
) -> None:
    file = inventory(tmp_path, **changes)
    with pytest.raises(InputError) as caught:
        Inventory.read(file)
    line = str(caught.value)
    assert line.startswith(f"{file}: {field}: ")
    assert "\n" not in line
