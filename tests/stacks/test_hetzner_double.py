"""The double of Hetzner's API, asked over HTTP by Hetzner's own client."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.request import Request as HttpRequest
from urllib.request import urlopen

import pytest
from hcloud import APIException, Client
from hcloud.actions import ActionFailedException
from hcloud.firewalls import Firewall, FirewallRule
from hcloud.images import Image
from hcloud.load_balancer_types import LoadBalancerType
from hcloud.load_balancers import (
    LoadBalancerHealthCheck,
    LoadBalancerService,
    LoadBalancerTarget,
)
from hcloud.locations import Location
from hcloud.networks import NetworkSubnet
from hcloud.placement_groups import PlacementGroup
from hcloud.server_types import ServerType
from hcloud.servers.domain import ServerCreatePublicNetwork
from hypothesis import given
from hypothesis import strategies as st

from tests.doubles.hetzner.api import Api, Request
from tests.doubles.hetzner.project import Project, Switches
from tests.doubles.hetzner.server import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "t" * 64
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJhY2tiYWNrYmFja2JhY2tiYWNrYmFja2JhY2tiYWNr klokken"
SUBNET = NetworkSubnet(ip_range="10.0.0.0/16", type="cloud", network_zone="eu-central")
HEALTH = LoadBalancerHealthCheck(protocol="tcp", port=443, interval=15, timeout=10, retries=3)
HTTPS = LoadBalancerService(
    protocol="tcp", listen_port=443, destination_port=443, proxyprotocol=False, health_check=HEALTH
)


@dataclass
class Cloud:
    """The double, and a client that talks to it."""

    api: Api
    url: str
    # What the client returns may always be None to its types.
    client: Any

    @property
    def switches(self) -> Switches:
        return self.api.project.switches

    def server(self, name: str = "a1", **other: Any) -> Any:
        settled = {
            "server_type": ServerType(name="cpx22"),
            "image": Image(name="debian-13"),
            "location": Location(name="fsn1"),
        }
        ordered = self.client.servers.create(name=name, **{**settled, **other})
        ordered.action.wait_until_finished()
        return self.client.servers.get_by_id(ordered.server.id)

    def network(self, *subnets: NetworkSubnet) -> Any:
        return self.client.networks.create("site", "10.0.0.0/8", subnets=list(subnets or (SUBNET,)))


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    api = Api(TOKEN, Project())
    with serving(api) as url:
        yield Cloud(api, url, Client(TOKEN, api_endpoint=url, poll_interval=0.001))


def refused(code: str) -> Any:
    return pytest.raises(APIException, match=code)


def test_a_server_is_ordered_runs_and_ends(cloud: Cloud) -> None:
    server = cloud.server()
    assert server.status == "running"
    assert server.location.name == "fsn1"
    assert server.public_net.ipv4.ip.startswith("192.0.2.")
    server.delete().wait_until_finished()
    assert cloud.client.servers.get_all() == []


def test_an_action_takes_its_time_and_the_server_is_locked_meanwhile(cloud: Cloud) -> None:
    cloud.switches.slowness = 3
    ordered = cloud.client.servers.create(
        "a1", ServerType(name="cpx22"), Image(name="debian-13"), location=Location(name="fsn1")
    )
    assert ordered.server.status == "initializing"
    with refused("locked"):
        ordered.server.delete()
    ordered.action.wait_until_finished()
    ordered.server.reload()
    assert ordered.server.status == "running"


@pytest.mark.parametrize("token", ["", "wrong" * 12 + "four"])
def test_a_wrong_token_gets_nothing(cloud: Cloud, token: str) -> None:
    with refused("unauthorized"):
        Client(token or " ", api_endpoint=cloud.url).servers.get_all()


def test_a_token_has_64_characters() -> None:
    with pytest.raises(ValueError, match="64 characters"):
        Api("short", Project())


def test_names_are_unique(cloud: Cloud) -> None:
    cloud.server()
    with refused("uniqueness_error"):
        cloud.server()


@pytest.mark.parametrize("name", ["under_score", "-a", "a-", "a..b", "å1", "a" * 64])
def test_a_server_has_a_host_name(cloud: Cloud, name: str) -> None:
    with refused("invalid_input"):
        cloud.server(name)


@pytest.mark.parametrize(
    "order",
    [
        {"server_type": ServerType(name="cx11")},
        {"image": Image(name="debian-9")},
        {"location": Location(name="cph1")},
        {"user_data": "#" * 32_769},
    ],
    ids=["type", "image", "location", "user data"],
)
def test_what_there_is_not_cannot_be_ordered(cloud: Cloud, order: Any) -> None:
    with refused("invalid_input"):
        cloud.server(**order)


def test_a_type_that_is_gone_cannot_be_ordered(cloud: Cloud) -> None:
    with refused("resource_unavailable"):
        cloud.server(server_type=ServerType(name="cx23"))


def test_a_type_that_is_sold_out_in_a_location_cannot_be_ordered(cloud: Cloud) -> None:
    with refused("sold out"):
        cloud.server(server_type=ServerType(name="ccx43"), location=Location(name="hel1"))


def test_an_image_is_of_the_servers_architecture(cloud: Cloud) -> None:
    with refused("invalid_input"):
        cloud.server(image=Image(name="debian-12"), server_type=ServerType(name="cax41"))


@pytest.mark.parametrize("ip_range", ["198.18.0.0/16", "10.0.0.1/8", "10.0.0.0", "nonsense"])
def test_a_network_is_private(cloud: Cloud, ip_range: str) -> None:
    with refused("invalid_input"):
        cloud.client.networks.create("site", f"{ip_range}" + ("/7" if "/" not in ip_range else ""))


@pytest.mark.parametrize(
    "subnet",
    [
        NetworkSubnet(ip_range="10.0.1.0/24", type="cloud", network_zone="eu-central"),
        NetworkSubnet(ip_range="192.168.0.0/24", type="cloud", network_zone="eu-central"),
        NetworkSubnet(ip_range="10.1.0.0/24", type="cloud", network_zone="eu-north"),
        NetworkSubnet(ip_range="10.1.0.0/24", type="cellar", network_zone="eu-central"),
    ],
    ids=["overlaps", "outside", "zone", "type"],
)
def test_a_subnet_fits_into_its_network(cloud: Cloud, subnet: NetworkSubnet) -> None:
    network = cloud.network()
    with refused("invalid_input"):
        network.add_subnet(subnet)


def test_a_server_needs_a_subnet_of_its_zone_and_a_free_address(cloud: Cloud) -> None:
    first, second = cloud.server("a1"), cloud.server("a2")
    network = cloud.client.networks.create("site", "10.0.0.0/8")
    with refused("no subnet"):
        first.attach_to_network(network, "10.0.0.11")
    network.add_subnet(SUBNET).wait_until_finished()
    first.attach_to_network(network, "10.0.0.11").wait_until_finished()
    for taken in ("10.0.0.11", "10.0.0.1", "10.1.0.1"):
        with refused("not available"):
            second.attach_to_network(network, taken)
    with refused("server_already_attached"):
        first.attach_to_network(network, "10.0.0.12")
    first.reload()
    assert first.private_net[0].ip == "10.0.0.11"
    first.detach_from_network(network).wait_until_finished()
    network.delete_subnet(SUBNET).wait_until_finished()


def test_a_network_with_a_server_in_it_stays(cloud: Cloud) -> None:
    network = cloud.network()
    server = cloud.server()
    server.attach_to_network(network).wait_until_finished()
    with refused("resource_in_use"):
        network.delete()
    server.delete().wait_until_finished()
    network.delete()


@pytest.mark.parametrize(
    "rule",
    [
        {"protocol": "tcp"},
        {"protocol": "icmp", "port": "22"},
        {"protocol": "tcp", "port": "0"},
        {"protocol": "tcp", "port": "443-80"},
        {"protocol": "tcp", "port": "65536"},
        {"protocol": "smtp", "port": "25"},
        {"protocol": "tcp", "port": "22", "source_ips": []},
        {"protocol": "tcp", "port": "22", "source_ips": ["10.0.0.1/8"]},
    ],
)
def test_a_firewall_takes_no_rule_that_cannot_be(cloud: Cloud, rule: Any) -> None:
    given_rule = FirewallRule(**({"direction": "in", "source_ips": ["0.0.0.0/0"]} | rule))
    with refused("invalid_input"):
        cloud.client.firewalls.create("wall", rules=[given_rule])


def test_a_firewall_that_holds_for_a_server_stays(cloud: Cloud) -> None:
    rule = FirewallRule(direction="in", protocol="tcp", port="22", source_ips=["192.0.2.0/24"])
    wall = cloud.client.firewalls.create("wall", rules=[rule]).firewall
    server = cloud.server(firewalls=[wall])
    assert server.public_net.firewalls[0].firewall.id == wall.id
    with refused("resource_in_use"):
        wall.delete()
    server.delete()
    wall.delete()


@pytest.mark.parametrize(("family", "other"), [("ipv4", "ipv6"), ("ipv6", "ipv4")])
def test_an_address_is_of_the_family_that_it_is_asked_for(
    cloud: Cloud, family: str, other: str
) -> None:
    fixed = cloud.client.primary_ips.create(
        family, "fixed", location=Location(name="fsn1")
    ).primary_ip
    nets = {"ipv4": None, "ipv6": None, "enable_ipv4": True, "enable_ipv6": True}
    with refused("invalid_input"):
        cloud.server("a1", public_net=ServerCreatePublicNetwork(**{**nets, other: fixed}))
    server = cloud.server("a1", public_net=ServerCreatePublicNetwork(**{**nets, family: fixed}))
    assert getattr(server.public_net, family).ip == fixed.ip
    with refused("resource_in_use"):
        fixed.delete()


def test_a_server_has_five_firewalls_at_most(cloud: Cloud) -> None:
    walls = [Firewall(id=cloud.client.firewalls.create(f"wall{n}").firewall.id) for n in range(6)]
    with refused("more than 5"):
        cloud.server(firewalls=walls)


def test_a_spread_group_has_ten_servers_at_most(cloud: Cloud) -> None:
    group = cloud.client.placement_groups.create("spread", "spread").placement_group
    member = PlacementGroup(id=group.id)
    for number in range(10):
        cloud.server(f"a{number}", placement_group=member)
    with refused("placement_error"):
        cloud.server("a10", placement_group=member)
    with refused("resource_in_use"):
        group.delete()


def test_a_volume_and_its_server_are_in_one_location(cloud: Cloud) -> None:
    server = cloud.server()
    far = cloud.client.volumes.create(10, "far", location=Location(name="hel1"))
    far.action.wait_until_finished()
    with refused("another location"):
        far.volume.attach(server)
    near = cloud.client.volumes.create(10, "near", location=Location(name="fsn1"))
    near.action.wait_until_finished()
    near.volume.attach(server).wait_until_finished()
    with refused("volume_already_attached"):
        near.volume.attach(cloud.server("a2"))
    with refused("resource_in_use"):
        near.volume.delete()
    server.delete()
    near.volume.delete()


@pytest.mark.parametrize("size", [9, 10_241])
def test_a_volume_has_10_to_10240_gb(cloud: Cloud, size: int) -> None:
    with refused("invalid_input"):
        cloud.client.volumes.create(size, "data", location=Location(name="fsn1"))


def test_a_volume_grows_and_never_shrinks(cloud: Cloud) -> None:
    made = cloud.client.volumes.create(20, "data", location=Location(name="fsn1"))
    made.action.wait_until_finished()
    with refused("not larger"):
        made.volume.resize(10)
    made.volume.resize(30).wait_until_finished()
    assert cloud.client.volumes.get_by_id(made.volume.id).size == 30


def test_what_is_protected_stays(cloud: Cloud) -> None:
    made = cloud.client.volumes.create(20, "data", location=Location(name="fsn1"))
    made.action.wait_until_finished()
    made.volume.change_protection(delete=True).wait_until_finished()
    with refused("protected"):
        made.volume.delete()
    made.volume.change_protection(delete=False).wait_until_finished()
    made.volume.delete()


def test_a_balancer_sends_to_servers_of_its_network(cloud: Cloud) -> None:
    network, server = cloud.network(), cloud.server()
    ordered = cloud.client.load_balancers.create(
        "edge", LoadBalancerType(name="lb11"), location=Location(name="fsn1")
    )
    ordered.action.wait_until_finished()
    balancer = ordered.load_balancer
    target = LoadBalancerTarget(type="server", server=server, use_private_ip=True)
    with refused("not_attached_to_network"):
        balancer.add_target(target)
    server.attach_to_network(network, "10.0.0.11").wait_until_finished()
    balancer.attach_to_network(network, "10.0.0.10").wait_until_finished()
    balancer.add_target(target).wait_until_finished()
    with refused("target_already_defined"):
        balancer.add_target(target)
    balancer.add_service(HTTPS).wait_until_finished()
    with refused("source_port_already_used"):
        balancer.add_service(HTTPS)
    balancer.reload()
    assert balancer.services[0].listen_port == 443
    balancer.delete()
    server.delete()
    network.delete()


@pytest.mark.heavy
def test_a_balancer_has_no_more_targets_than_its_type(cloud: Cloud) -> None:
    network = cloud.network()
    ordered = cloud.client.load_balancers.create(
        "edge", LoadBalancerType(name="lb11"), location=Location(name="fsn1")
    )
    ordered.action.wait_until_finished()
    balancer = ordered.load_balancer
    balancer.attach_to_network(network).wait_until_finished()
    for number in range(26):
        server = cloud.server(f"a{number}")
        server.attach_to_network(network).wait_until_finished()
        target = LoadBalancerTarget(type="server", server=server, use_private_ip=True)
        if number == 25:
            with refused("target limit exceeded"):
                balancer.add_target(target)
        else:
            balancer.add_target(target).wait_until_finished()


def test_a_key_is_kept_once(cloud: Cloud) -> None:
    cloud.client.ssh_keys.create("first", KEY)
    with refused("uniqueness_error"):
        cloud.client.ssh_keys.create("second", KEY)
    with refused("invalid_input"):
        cloud.client.ssh_keys.create("third", "ssh-ed25519 å")


def test_a_quota_is_reached_in_the_middle(cloud: Cloud) -> None:
    cloud.switches.quota["servers"] = 1
    cloud.server("a1")
    with refused("resource_limit_exceeded"):
        cloud.server("a2")
    assert [server.name for server in cloud.client.servers.get_all()] == ["a1"]


def test_a_lost_reply_leaves_what_was_made_and_its_name_taken(cloud: Cloud) -> None:
    cloud.switches.lost["POST", "/servers"] = 1
    with refused("server_error"):
        cloud.server("a1")
    with refused("uniqueness_error"):
        cloud.server("a1")


def test_an_action_that_fails_says_so_and_has_no_effect(cloud: Cloud) -> None:
    cloud.switches.failing["create_server"] = 1
    with pytest.raises(ActionFailedException):
        cloud.server("a1")
    assert cloud.client.servers.get_by_name("a1").status == "initializing"


def test_lists_come_in_pages_and_by_label(cloud: Cloud) -> None:
    for number in range(26):
        cloud.server(f"a{number}", labels={"purpose": "lab" if number < 3 else "school"})
    assert len(cloud.client.servers.get_all()) == 26
    assert len(cloud.client.servers.get_all(label_selector="purpose=lab")) == 3
    assert cloud.client.servers.get_by_name("a25").name == "a25"


def test_a_path_that_there_is_not_is_an_answer_too(cloud: Cloud) -> None:
    request = HttpRequest(cloud.url + "/locations", headers={"Authorization": f"Bearer {TOKEN}"})  # noqa: S310 - our own address
    with urlopen(request) as reply:  # noqa: S310 - our own address
        assert json.load(reply)["locations"][0]["name"] == "fsn1"
    with refused("not_found"):
        cloud.client.certificates.get_all()


BODIES = st.dictionaries(
    st.sampled_from(["name", "ip_range", "rules", "size", "location", "labels"]),
    st.none() | st.integers() | st.text(max_size=5),
)


@given(method=st.sampled_from(["GET", "POST", "PUT", "DELETE"]), path=st.text(), body=BODIES)
def test_whatever_is_asked_there_is_an_answer(method: str, path: str, body: dict[str, Any]) -> None:
    api = Api(TOKEN, Project())
    for prefix in ("/", "/servers", "/networks/", "/volumes/1/actions/"):
        ask = Request(method, prefix + path, body=body, authorization=f"Bearer {TOKEN}")
        assert api.answer(ask)[0] in (200, 201, 204, 404, 409, 412, 422, 403)
