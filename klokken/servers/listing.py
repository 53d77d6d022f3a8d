"""The list of a site's own servers: `inventories/<stack>/hosts.yml`, written by a person."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field, JsonValue

from klokken.document import Document, read_yaml, validated
from klokken.errors import InputError
from klokken.paths import site_folder
from klokken.roles import require_known
from klokken.topology import SOURCES

if TYPE_CHECKING:
    from klokken.topology import Topology

DEFAULT_PORT = 22
Port = Annotated[int, Field(ge=1, le=65535, strict=True)]
User = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_-]*$")]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.:-]*$")]
Home = Annotated[Path, AfterValidator(Path.expanduser)]


class Ssh(Document):
    """How the hosts are reached: an account that is root or may use sudo, and its private key."""

    key: Home
    user: User = "root"
    port: Port = DEFAULT_PORT


class Server(Document):
    """One host. `address` is where the other hosts reach it, in the site's network.

    `host`, `port` and `user` are for a host that SSH reaches otherwise than the others;
    `variables` are role variables of its own, such as the device of its data volume.
    """

    address: IPv4Address
    host: Name | None = None
    port: Port | None = None
    user: User | None = None
    variables: dict[str, JsonValue] = Field(default_factory=dict)


class ServerList(Document):
    """Every host of a site, by the name that the site has for it, whatever it calls itself.

    `management` are the networks from which the hosts may be reached by SSH once they are
    configured: those that Ansible comes from.
    """

    ssh: Ssh
    management: Annotated[list[IPv4Network], Field(min_length=1)]
    hosts: dict[str, Server]

    @classmethod
    def read(cls, stack: str, site: Topology) -> ServerList:
        """Return the list of `stack`, or raise InputError where it does not fit `site`."""
        path = list_path(stack)
        if not path.exists():
            mend = "list the site's hosts there, as docs/servers.md says"
            raise InputError(path, "", "there is no such file", mend)
        found = validated(cls, read_yaml(path), path)
        found.require_fit(site, path)
        return found

    def require_fit(self, site: Topology, source: object) -> None:
        """Raise InputError unless these are the hosts of `site`, each with its own address."""
        wanted = {plan.name: plan.tier for plan in site.hosts()}
        for name in wanted:
            if name not in self.hosts:
                mend = "list it, or lower the tier's `count` in the stack's config"
                raise InputError(source, f"hosts.{name}", "missing", mend)
        taken: dict[str, str] = {}
        for name, server in self.hosts.items():
            if name not in wanted:
                first, *_, last = wanted
                mend = f"there are {first} to {last}; raise the tier's `count`, or remove it"
                raise InputError(source, f"hosts.{name}", "no host of the stack's config", mend)
            self._require_address(name, server, site, source)
            field = f"hosts.{name}.variables"
            if SOURCES in server.variables:
                mend = "see docs/servers.md for where"
                raise InputError(source, f"{field}.{SOURCES}", "not given here", mend)
            require_known(wanted[name], server.variables, source, field)
            for place in dict.fromkeys((str(server.address), self.way_in(server))):
                if taken.setdefault(place, name) != name:
                    problem = f"{place} is the address of {taken[place]} already"
                    raise InputError(source, f"hosts.{name}", problem, "give each host its own")

    def _require_address(self, name: str, server: Server, site: Topology, source: object) -> None:
        if server.address not in site.network:
            problem = f"{server.address} is not in the site's network {site.network}"
            mend = (
                "correct one of them; the network is `klokken:site.network` of the stack's config"
            )
            raise InputError(source, f"hosts.{name}.address", problem, mend)

    def way_in(self, server: Server) -> str:
        """Return where SSH reaches a host, with the port where it is not the ordinary one."""
        host, port = server.host or str(server.address), server.port or self.ssh.port
        return host if port == DEFAULT_PORT else f"[{host}]:{port}"

    def variables(self, name: str) -> dict[str, Any]:
        """Return the inventory variables of a host."""
        server = self.hosts[name]
        user = server.user or self.ssh.user
        return {
            "ansible_host": server.host or str(server.address),
            "ansible_port": server.port or self.ssh.port,
            "ansible_user": user,
            # Set where it is needed only: it goes before what a task says of itself.
            **({"ansible_become": True} if user != "root" else {}),
            "site_address": str(server.address),
            **server.variables,
        }

    def shared(self, stack: str) -> dict[str, Any]:
        """Return the inventory variables of all hosts."""
        known = f"-o UserKnownHostsFile={known_hosts_path(stack)}"
        return {
            "ansible_ssh_private_key_file": str(self.ssh.key),
            "ansible_ssh_common_args": f"{known} -o StrictHostKeyChecking=yes",
            "site_management": [str(network) for network in self.management],
        }


def list_path(stack: str) -> Path:
    """Return the file in which a person lists the hosts of `stack`."""
    return site_folder(stack) / "hosts.yml"


def known_hosts_path(stack: str) -> Path:
    """Return the file of the host keys of `stack`, as OpenSSH reads it."""
    return site_folder(stack) / "known_hosts"
