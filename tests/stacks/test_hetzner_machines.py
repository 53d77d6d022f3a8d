"""The double of Hetzner's API with machines behind it: what it has them do, and when."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass
from ipaddress import IPv4Interface
from typing import Any

import pytest

from tests.clouds import PUBLIC_KEY, TOKEN
from tests.doubles.hetzner.api import Api, Request
from tests.doubles.hetzner.machines import Machines, Ordered
from tests.doubles.hetzner.project import Project

NAME = "horsens-drive1"
DISK = "/dev/disk/by-id/scsi-0HC_Volume_"


class Recorded(Machines):
    """Machines that write down what they are told, and end it when a test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[Any, ...]] = []
        self.under_way: list[Future[None]] = []

    def _begin(self, *told: Any) -> Future[None]:
        self.told.append(told)
        self.under_way.append(Future())
        return self.under_way[-1]

    def address(self) -> str:
        return "198.18.10.21"

    def boot(self, server: Ordered) -> Future[None]:
        return self._begin("boot", server)

    def join(self, server: str, inside: IPv4Interface) -> Future[None]:
        return self._begin("join", server, inside)

    def attach(self, server: str, device: str, gigabytes: int) -> Future[None]:
        return self._begin("attach", server, device, gigabytes)

    def remove(self, server: str) -> Future[None]:
        return self._begin("remove", server)

    def discard(self, device: str) -> None:
        self.told.append(("discard", device))


@dataclass
class Cloud:
    """The API, and the machines behind it."""

    api: Api
    machines: Recorded

    def ask(self, method: str, path: str, **body: Any) -> Any:
        request = Request(method, path, body=body, authorization=f"Bearer {TOKEN}")
        status, answer = self.api.answer(request)
        assert status < 300, answer
        return answer

    def order(self, **other: Any) -> Any:
        """Order a server; its host is not there yet."""
        what = {"server_type": "cpx22", "image": "debian-13", "location": "fsn1", "name": NAME}
        return self.ask("POST", "/servers", **what, **other)

    def server(self) -> int:
        """Order a server, and wait until it runs."""
        made = self.order()
        self.machines.under_way[-1].set_result(None)
        assert self.follow(made)["status"] == "success"
        return int(made["server"]["id"])

    def follow(self, answer: Any, times: int = 5) -> Any:
        """Return what became of an answer's action after some looks at it."""
        path = f"/actions/{answer['action']['id']}"
        return [self.ask("GET", path)["action"] for _ in range(times)][-1]


@pytest.fixture
def cloud() -> Cloud:
    machines = Recorded()
    return Cloud(Api(TOKEN, Project(machines=machines)), machines)


def test_a_server_runs_when_its_host_does_and_not_before(cloud: Cloud) -> None:
    made = cloud.order()
    assert cloud.follow(made)["status"] == "running"
    assert cloud.ask("GET", f"/servers/{made['server']['id']}")["server"]["status"] != "running"
    cloud.machines.under_way[-1].set_result(None)
    assert cloud.follow(made)["status"] == "success"
    assert cloud.ask("GET", f"/servers/{made['server']['id']}")["server"]["status"] == "running"


def test_a_host_is_booted_once_with_the_address_and_the_keys_of_its_server(cloud: Cloud) -> None:
    key = cloud.ask("POST", "/ssh_keys", name="site", public_key=PUBLIC_KEY)["ssh_key"]
    made = cloud.order(ssh_keys=[key["id"]])
    cloud.follow(made)
    assert cloud.machines.told == [("boot", Ordered(NAME, "198.18.10.21", [PUBLIC_KEY]))]
    assert made["server"]["public_net"]["ipv4"]["ip"] == "198.18.10.21"


def test_a_fixed_address_is_the_one_that_the_host_is_booted_with(cloud: Cloud) -> None:
    fixed = cloud.ask("POST", "/primary_ips", name="front", type="ipv4", location="fsn1")
    cloud.order(public_net={"enable_ipv4": True, "ipv4": fixed["primary_ip"]["id"]})
    ((_, booted),) = cloud.machines.told
    assert booted.address == fixed["primary_ip"]["ip"]


def test_a_host_that_does_not_boot_is_an_action_that_failed(cloud: Cloud) -> None:
    made = cloud.order()
    cloud.machines.under_way[-1].set_exception(OSError("no room"))
    error = cloud.follow(made)["error"]
    assert error == {"code": "action_failed", "message": "Action failed: no room"}
    assert cloud.ask("GET", f"/servers/{made['server']['id']}")["server"]["status"] != "running"


def test_an_action_that_shall_fail_reaches_no_machine(cloud: Cloud) -> None:
    cloud.api.project.switches.failing["create_server"] = 1
    assert cloud.follow(cloud.order())["status"] == "error"
    assert cloud.machines.told == []


def test_a_host_is_given_its_address_in_the_private_network(cloud: Cloud) -> None:
    subnet = {"ip_range": "10.20.0.0/24", "type": "cloud", "network_zone": "eu-central"}
    made = cloud.ask("POST", "/networks", name="site", ip_range="10.20.0.0/24", subnets=[subnet])
    path = f"/servers/{cloud.server()}/actions/attach_to_network"
    cloud.ask("POST", path, network=made["network"]["id"], ip="10.20.0.11")
    assert cloud.machines.told[-1] == ("join", NAME, IPv4Interface("10.20.0.11/24"))


def test_a_host_finds_a_volume_under_the_name_that_the_api_told(cloud: Cloud) -> None:
    made = cloud.ask("POST", "/volumes", name="data", size=10, location="fsn1", format="ext4")
    cloud.follow(made)
    volume = made["volume"]
    cloud.ask("POST", f"/volumes/{volume['id']}/actions/attach", server=cloud.server())
    assert volume["linux_device"] == f"{DISK}{volume['id']}"
    assert cloud.machines.told[-1] == ("attach", NAME, volume["linux_device"], 10)


def test_a_volume_that_is_deleted_is_discarded(cloud: Cloud) -> None:
    made = cloud.ask("POST", "/volumes", name="data", size=10, location="fsn1")
    cloud.follow(made)
    cloud.ask("DELETE", f"/volumes/{made['volume']['id']}")
    assert cloud.machines.told == [("discard", made["volume"]["linux_device"])]


def test_a_server_that_is_deleted_takes_its_host_along(cloud: Cloud) -> None:
    gone = cloud.ask("DELETE", f"/servers/{cloud.server()}")
    assert cloud.machines.told[-1] == ("remove", NAME)
    assert cloud.follow(gone)["status"] == "running"
    cloud.machines.under_way[-1].set_result(None)
    assert cloud.follow(gone)["status"] == "success"
