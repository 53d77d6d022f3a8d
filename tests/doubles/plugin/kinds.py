"""What each kind of resource is in the API: how it is made, read and removed.

A thing of its own has a number for an id; what only ties two things together has both numbers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tests.doubles.plugin.client import Client, Gone, Halfway, Refused

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]

# Things of their own, by the last part of their type, and where the API has them.
TABLES = {
    "Firewall": "firewalls",
    "LoadBalancer": "load_balancers",
    "Network": "networks",
    "PlacementGroup": "placement_groups",
    "PrimaryIp": "primary_ips",
    "Server": "servers",
    "SshKey": "ssh_keys",
    "Volume": "volumes",
}
# Inputs that the API has under another name, or asks for by an action.
_ELSEWHERE = {
    "deleteProtection", "rebuildProtection", "firewallIds", "placementGroupId", "publicNets",
    "sshKeys", "ignoreRemoteFirewallIds", "keepDisk", "shutdownBeforeDeletion", "backups",
    "allowDeprecatedImages",
}  # fmt: skip


def make(client: Client, kind: str, props: Json) -> tuple[str, Json]:
    """Make a thing, or a tie; return its id and what it adds to its inputs."""
    if kind in TABLES:
        return _thing(client, kind, props)
    return _TIES[kind](client, props), {}


def change(client: Client, kind: str, number: str, props: Json, olds: Json) -> None:
    """Change what our stacks change: labels, and what is protected."""
    if kind not in TABLES:
        raise Refused(f"{kind} cannot be changed by the stand-in")
    path = f"/{TABLES[kind]}/{number}"
    if props.get("labels") != olds.get("labels"):
        client.ask("PUT", path, {"labels": props["labels"]})
    if props.get("deleteProtection", False) != olds.get("deleteProtection", False):
        wanted = {"delete": bool(props.get("deleteProtection"))}
        client.finish(client.ask("POST", f"{path}/actions/change_protection", wanted))


def remove(client: Client, kind: str, number: str) -> None:
    """Remove a thing or a tie."""
    if kind in TABLES:
        client.finish(client.ask("DELETE", f"/{TABLES[kind]}/{number}"))
        return
    first, second = number.split("-", 1)
    path, body = _UNDO[kind]
    client.finish(client.ask("POST", path.format(first), body(second)))


def _thing(client: Client, kind: str, props: Json) -> tuple[str, Json]:
    table = TABLES[kind]
    body = {_snake(key): _snaked(v) for key, v in props.items() if key not in _ELSEWHERE}
    if kind == "Server":
        body |= _of_server(props)
    answer = client.ask("POST", f"/{table}", body)
    made = answer[table.removesuffix("s")]
    number, added = str(made["id"]), _added(kind, made)
    try:
        client.finish(answer)
        if props.get("deleteProtection"):
            path = f"/{table}/{number}/actions/change_protection"
            client.finish(client.ask("POST", path, {"delete": True}))
    except Refused as error:
        raise Halfway(error, number, added) from None
    return number, added


def _of_server(props: Json) -> Json:
    (net,) = props["publicNets"]
    public: Json = {"enable_ipv4": net["ipv4Enabled"], "enable_ipv6": net["ipv6Enabled"]}
    public |= {family: int(net[family]) for family in ("ipv4", "ipv6") if net.get(family)}
    return {
        "firewalls": [{"firewall": int(number)} for number in props["firewallIds"]],
        "placement_group": int(props["placementGroupId"]),
        "public_net": public,
        "ssh_keys": [int(number) for number in props["sshKeys"]],
    }


def _added(kind: str, made: Json) -> Json:
    """Return the outputs that a stack uses and that are no inputs."""
    if kind == "Server":
        net = made["public_net"]
        six = net["ipv6"]["ip"].removesuffix("/64") + "1"
        return {"ipv4Address": net["ipv4"]["ip"], "ipv6Address": six, "status": "running"}
    if kind == "LoadBalancer":
        net = made["public_net"]
        return {"ipv4": net["ipv4"]["ip"], "ipv6": net["ipv6"]["ip"]}
    return {"linuxDevice": made["linux_device"]} if kind == "Volume" else {}


def _tie(client: Client, path: str, first: object, second: object, body: Json) -> str:
    client.finish(client.ask("POST", path.format(int(str(first))), body))
    return f"{int(str(first))}-{second}"


def _network_of(props: Json) -> int:
    return int(str(props.get("networkId") or str(props["subnetId"]).split("-", 1)[0]))


def _subnet(client: Client, props: Json) -> str:
    body = {
        "type": props["type"],
        "ip_range": props["ipRange"],
        "network_zone": props["networkZone"],
    }
    path = "/networks/{}/actions/add_subnet"
    return _tie(client, path, int(props["networkId"]), props["ipRange"], body)


def _server_network(client: Client, props: Json) -> str:
    network = _network_of(props)
    path, body = "/servers/{}/actions/attach_to_network", {"network": network, "ip": props["ip"]}
    return _tie(client, path, int(props["serverId"]), network, body)


def _balancer_network(client: Client, props: Json) -> str:
    network = _network_of(props)
    path = "/load_balancers/{}/actions/attach_to_network"
    return _tie(
        client, path, int(props["loadBalancerId"]), network, {"network": network, "ip": props["ip"]}
    )


def _attachment(client: Client, props: Json) -> str:
    server = int(props["serverId"])
    return _tie(
        client, "/volumes/{}/actions/attach", int(props["volumeId"]), server, {"server": server}
    )


def _service(client: Client, props: Json) -> str:
    body = {
        "protocol": props["protocol"],
        "listen_port": int(props["listenPort"]),
        "destination_port": int(props["destinationPort"]),
        "health_check": _snaked(props["healthCheck"]),
    }
    path = "/load_balancers/{}/actions/add_service"
    return _tie(client, path, int(props["loadBalancerId"]), body["listen_port"], body)


def _target(client: Client, props: Json) -> str:
    server = int(props["serverId"])
    body = {
        "type": props["type"],
        "server": {"id": server},
        "use_private_ip": props["usePrivateIp"],
    }
    path = "/load_balancers/{}/actions/add_target"
    return _tie(client, path, int(props["loadBalancerId"]), server, body)


_TIES: dict[str, Callable[[Client, Json], str]] = {
    "LoadBalancerNetwork": _balancer_network,
    "LoadBalancerService": _service,
    "LoadBalancerTarget": _target,
    "NetworkSubnet": _subnet,
    "ServerNetwork": _server_network,
    "VolumeAttachment": _attachment,
}
_UNDO: dict[str, tuple[str, Callable[[str], Json]]] = {
    "LoadBalancerNetwork": (
        "/load_balancers/{}/actions/detach_from_network",
        lambda second: {"network": int(second)},
    ),
    "LoadBalancerService": (
        "/load_balancers/{}/actions/delete_service",
        lambda second: {"listen_port": int(second)},
    ),
    "LoadBalancerTarget": (
        "/load_balancers/{}/actions/remove_target",
        lambda second: {"server": {"id": int(second)}},
    ),
    "NetworkSubnet": (
        "/networks/{}/actions/delete_subnet",
        lambda second: {"ip_range": second},
    ),
    "ServerNetwork": (
        "/servers/{}/actions/detach_from_network",
        lambda second: {"network": int(second)},
    ),
    "VolumeAttachment": ("/volumes/{}/actions/detach", lambda _second: {}),
}


def there(client: Client, kind: str, number: str) -> bool:
    """Say whether a thing is still there; a tie goes with its things."""
    if kind not in TABLES:
        return True
    try:
        client.ask("GET", f"/{TABLES[kind]}/{number}")
    except Gone:
        return False
    return True


def _snake(name: str) -> str:
    return re.sub(r"([A-Z])", lambda found: "_" + found.group(1).lower(), name)


def _snaked(value: Any) -> Any:
    """Return a value with its keys as the API has them, and whole numbers as such."""
    if isinstance(value, dict):
        return {_snake(key): _snaked(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_snaked(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
