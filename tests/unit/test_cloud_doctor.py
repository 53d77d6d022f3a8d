"""What a stack on a cloud is told to lack before anything is bought."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from klokken import workspace
from klokken.clouds import credentials, doctor
from klokken.clouds.account import Account
from klokken.clouds.hetzner import Hetzner
from klokken.clouds.openstack import OpenStack
from klokken.clouds.proxmox import Proxmox
from klokken.clouds.settings import Cloud
from klokken.errors import MachineError
from tests.clouds import PUBLIC_KEY, STACK, TOKEN, configured
from tests.doubles.hetzner import groups, servers
from tests.doubles.hetzner.api import Api
from tests.doubles.hetzner.project import Project
from tests.doubles.hetzner.server import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TODAY = date(2026, 11, 22)
PLUGINS = json.dumps([{"name": name, "version": v} for name, v in doctor.PLUGINS.values()])
ENTRY = "clouds: {cleura: {auth_type: v3applicationcredential, auth: {auth_url: 'URL'}}}"


@pytest.fixture
def key(tmp_path: Path) -> str:
    (tmp_path / "id.pub").write_text(PUBLIC_KEY)
    (tmp_path / "id").touch()
    return str(tmp_path / "id")


@pytest.fixture(autouse=True)
def pulumi(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a Pulumi with every plugin, and with nothing in the stack's config."""

    def answer(*words: str, **_options: Any) -> str:
        if words[0] == "plugin":
            return PLUGINS
        raise MachineError("no such key")

    monkeypatch.setattr(workspace, "pulumi", answer)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    found = Api(TOKEN, Project())
    with serving(found) as url:
        monkeypatch.setenv("HCLOUD_ENDPOINT", url)
        monkeypatch.setenv("HCLOUD_TOKEN", TOKEN)
        yield found


def lacking(kind: str, key: str, **settings: Any) -> list[str]:
    config = configured(kind, key, **settings)
    assert not isinstance(config.substrate, str)
    findings, _ = doctor.look(STACK, config.substrate, config.site, TODAY)  # type: ignore[arg-type]
    return [finding.text for finding in findings if not finding.ready]


def test_a_stack_that_lacks_nothing_is_ready(key: str, api: Api) -> None:
    assert lacking("hetzner", key) == []
    assert {method for method, _ in api.asked} == {"GET"}


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("", "hcloud:token: missing"),
        ("short", "has 5 characters"),
        ("w" * 64, "Hetzner refuses the token"),
    ],
)
def test_a_token_that_opens_nothing_is_said(
    key: str, api: Api, monkeypatch: pytest.MonkeyPatch, token: str, said: str
) -> None:
    assert api
    monkeypatch.setenv("HCLOUD_TOKEN", token)
    (line,) = lacking("hetzner", key)
    assert said in line


def test_an_api_that_is_out_of_reach_is_said(
    key: str, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert api
    monkeypatch.setenv("HCLOUD_ENDPOINT", "http://127.0.0.1:1/v1")
    (line,) = lacking("hetzner", key)
    assert "cannot be reached" in line


@pytest.mark.parametrize(
    "url", ["https://api.elsewhere.example/v1", "http://api.hetzner.cloud/v1", "no address"]
)
def test_a_token_is_told_to_hetzner_alone(
    key: str, api: Api, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("HCLOUD_ENDPOINT", url)
    monkeypatch.setattr("klokken.clouds.account.urlopen", None)
    (line,) = lacking("hetzner", key)
    assert line == f"{url} is not Hetzner's API, and is told no token; remove HCLOUD_ENDPOINT"
    assert api.asked == []


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("cx23", "no longer sells it"),
        ("cpx99", "has no such type"),
        ("ccx43", "has none in hel1"),
    ],
)
def test_a_type_that_the_account_cannot_have_is_said(api: Api, kind: str, said: str) -> None:
    assert api
    (line,) = Account(TOKEN).problems({"horsens-edge1": kind}, "hel1")
    assert said in line


def test_a_site_that_is_up_does_not_ask_what_is_sold_now(api: Api) -> None:
    assert list(Account(TOKEN).problems({}, "hel1")) == []
    assert [path for _, path in api.asked] == ["/servers"]


def test_a_server_of_the_same_name_that_the_stack_does_not_know_is_said(
    key: str, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = {"server_type": "cpx22", "image": "debian-13", "location": "fsn1"}
    for name in ("edge1", "edge9", "drive1"):
        servers.create(api.project, {"name": f"{STACK}-{name}", **order})
    made = [
        {"type": "hcloud:index/server:Server", "inputs": {"name": f"{STACK}-drive1"}},
        # A volume is called as its server is.
        {"type": "hcloud:index/volume:Volume", "inputs": {"name": f"{STACK}-edge1"}},
        {"type": "pulumi:pulumi:Stack"},
    ]
    known = {"deployment": {"resources": made}}

    def answer(*words: str, **_options: Any) -> str:
        if words[:2] == ("stack", "export"):
            return json.dumps(known)
        return PLUGINS

    monkeypatch.setattr(workspace, "pulumi", answer)
    monkeypatch.setattr(credentials, "configured", lambda *_words: TOKEN)
    (line,) = lacking("hetzner", key)
    assert line.startswith(f"{STACK}-edge1: there is such a server")
    assert "import it" in line


@pytest.mark.parametrize("is_ours", [False, True])
def test_a_key_that_the_project_has_from_elsewhere_is_said(
    key: str, api: Api, monkeypatch: pytest.MonkeyPatch, *, is_ours: bool
) -> None:
    groups.create_key(api.project, {"name": "of old", "public_key": f"{PUBLIC_KEY}@laptop"})
    made = [{"type": "hcloud:index/sshKey:SshKey", "inputs": {"name": STACK}}] * is_ours
    state = json.dumps({"deployment": {"resources": made}})
    monkeypatch.setattr(
        workspace, "pulumi", lambda *words: PLUGINS if words[0] == "plugin" else state
    )
    monkeypatch.setattr(credentials, "configured", lambda *_words: TOKEN)
    said = [] if is_ours else ["the project has the SSH key already, as 'of old'; give another"]
    assert [line.split(" as `")[0] for line in lacking("hetzner", key)] == said


def test_up_asks_the_account_before_anything_is_ordered(
    key: str, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configured("hetzner", key)
    assert isinstance(config.substrate, Hetzner)
    doctor.require_account(STACK, config.substrate, config.site)
    monkeypatch.setenv("HCLOUD_TOKEN", "w" * 64)
    with pytest.raises(MachineError) as refused:
        doctor.require_account(STACK, config.substrate, config.site)
    assert str(refused.value) == (
        "up of horsens: Hetzner refuses the token; make another in the project's console"
    )
    assert {method for method, _ in api.asked} == {"GET"}


def test_a_key_and_a_plugin_that_are_missing_are_said(
    key: str, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert api

    def none(*words: str, **_options: Any) -> str:
        if words[0] == "plugin":
            return "[]"
        raise MachineError("no such key")

    monkeypatch.setattr(workspace, "pulumi", none)
    of_key, of_plugin = lacking("hetzner", key + "-other")
    assert "ssh-keygen" in of_key
    assert "pulumi plugin install resource hcloud 1.43.3" in of_plugin


def test_a_key_whose_private_half_is_elsewhere_stops_doctor_and_up(
    key: str, tmp_path: Path, api: Api
) -> None:
    assert api
    (tmp_path / "id").unlink()
    (line,) = lacking("hetzner", key)
    assert f"there is no file {key}; put it there" in line
    config = configured("hetzner", key)
    assert isinstance(config.substrate, Hetzner)
    with pytest.raises(MachineError, match="opens no host"):
        doctor.require_account(STACK, config.substrate, config.site)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "there is none"),
        ("clouds: [", "cannot be read"),
        ("clouds: {elastx: {}}", "clouds.cleura: missing"),
        ("clouds: {cleura: {auth: {username: me}}}", "is no application credential"),
        (ENTRY.replace("URL", ""), "nowhere is not Cleura in Sto2, which is https://sto2."),
        (ENTRY.replace("URL", "https://auth.example/v3"), "klokken/clouds/openstack.yaml where"),
        (ENTRY.replace("URL", "http://sto2.citycloud.com:5000/v3"), "is not Cleura in Sto2"),
        (ENTRY.replace("URL", "https://sto2.citycloud.com:5000"), ""),
    ],
)
def test_an_openstack_cloud_is_opened_by_an_application_credential(
    key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None, said: str
) -> None:
    path = tmp_path / "clouds.yaml"
    monkeypatch.setattr(credentials, "_PLACES", ())
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(path))
    if content is not None:
        path.write_text(content)
    lines = lacking("openstack", key)
    assert [said in line for line in lines] == ([True] if said else [])


def test_a_cluster_is_opened_by_a_token(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROXMOX_VE_API_TOKEN", raising=False)
    (line,) = lacking("proxmox", key)
    assert "proxmoxve:apiToken: missing" in line
    monkeypatch.setenv("PROXMOX_VE_API_TOKEN", f"klokken@pve!site={'0' * 36}")
    assert lacking("proxmox", key) == []


def test_the_month_is_the_sum_of_hosts_volumes_balancer_and_addresses(key: str, api: Api) -> None:
    assert api
    config = configured("hetzner", key, front="balancer")
    assert isinstance(config.substrate, Hetzner)
    found, cost = doctor.look(STACK, config.substrate, config.site, TODAY)
    assert cost is not None
    (quota,) = [finding.text for finding in found if finding.topic == "quota"]
    assert "7 hosts, 32 cores and 200 GB of volumes" in quota
    # A ccx33, six cpx32, two volumes of 100 GB, a balancer, and an address for each of the hosts,
    # by the list of August 2026.
    assert cost.eur == pytest.approx(138.49 + 6 * 35.49 + 200 * 0.0572 + 7.49 + 7 * 0.5)
    assert cost.ground.endswith("and 7 public IPv4 addresses, by hetzner.yaml of 2026-08-17")


def test_a_balancer_without_a_price_is_told_beside_the_month(key: str, api: Api) -> None:
    assert api
    config = configured("hetzner", key, front="balancer", balancer_type="lb21")
    assert isinstance(config.substrate, Hetzner)
    _, cost = doctor.look(STACK, config.substrate, config.site, TODAY)
    assert cost is not None
    assert cost.ground.endswith("; what an lb21 costs beyond an lb11 comes on top")


def test_the_month_on_openstack_has_the_volumes_that_hosts_boot_from(key: str) -> None:
    config = configured("openstack", key)
    assert isinstance(config.substrate, OpenStack)
    found, cost = doctor.look(STACK, config.substrate, config.site, TODAY)
    assert cost is not None
    # Seven hosts with 40 GB to boot from and a floating address, and two volumes of 100 GB.
    assert cost.eur == pytest.approx(7 * 77.52 + (7 * 40 + 200) * 0.06 + 7 * 5)
    assert "480 GB of volumes" in cost.ground
    assert "7 public IPv4 addresses at an assumed price" in cost.ground
    assert any("480 GB of volumes" in each.text for each in found if each.topic == "quota")


@pytest.mark.parametrize(("front", "addresses"), [("address", 0), ("balancer", 1)])
def test_an_address_on_the_public_network_itself_comes_with_its_host(
    key: str, front: str, addresses: int
) -> None:
    ovh = {"cloud": "ovh", "region": "DE1", "type": "b3-16", "flavours": {}}
    config = configured("openstack", key, **ovh, front=front)
    assert isinstance(config.substrate, OpenStack)
    _, cost = doctor.look(STACK, config.substrate, config.site, TODAY)
    assert cost is not None
    assert f"and {addresses} public IPv4 addresses" in cost.ground


def test_the_month_on_a_cluster_is_its_cores_share_of_servers_that_are_bought(key: str) -> None:
    config = configured("proxmox", key)
    assert isinstance(config.substrate, Proxmox)
    _, cost = doctor.look(STACK, config.substrate, config.site, TODAY)
    assert cost is not None
    assert cost.ground.startswith("28 cores as shares of server-")


@pytest.mark.parametrize(
    ("kind", "said", "led"),
    [
        ("hetzner", '["192.0.2.1", "2001:db8::1"]', {"192.0.2.1", "2001:db8::1"}),
        ("proxmox", '["10.20.0.71"]', set()),
        ("openstack", "", set()),
    ],
)
def test_where_names_shall_lead_is_what_the_stack_says(
    key: str, monkeypatch: pytest.MonkeyPatch, kind: str, said: str, led: set[str]
) -> None:
    monkeypatch.setattr(workspace, "pulumi", lambda *_words: said)
    config = configured(kind, key).substrate
    assert isinstance(config, Cloud)
    assert doctor.front(STACK, config) == led


def test_an_expired_price_list_is_said(key: str, api: Api) -> None:
    assert api
    config = configured("hetzner", key)
    assert isinstance(config.substrate, Hetzner)
    findings, cost = doctor.look(STACK, config.substrate, config.site, date(2028, 1, 1))
    assert cost is None
    assert "expired" in findings[-1].text
