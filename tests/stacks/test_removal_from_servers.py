"""What a stack puts on a server, and that all of it is named to be taken away again."""

from __future__ import annotations

import fnmatch
import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from klokken import deployment, stackconfig
from klokken.errors import InputError
from klokken.paths import PROJECT
from klokken.roles import roles_of
from klokken.topology import Tier
from stacks.servers.removal import Traces, script, told, traces
from tests.roles.role import Role
from tests.roles.test_roles import destinations

if TYPE_CHECKING:
    from pathlib import Path

every_role = pytest.mark.parametrize("role", Role.all(), ids=lambda role: role.name)
# What a host needs to be reached and to keep time stays on it.
KEPT = {"ca-certificates", "chrony", "nftables", "openssh-server", "openssl", "sudo"}
# Of Debian's own; other programs may use them.
KEPT |= {"python3", "python3-cryptography"}
# Folders of Debian's own, a part of a file, and other roles' places.
SHARED = {"/etc/hosts", "/opt", "/etc/systemd/journald.conf.d", "/etc/apparmor.d/local"}


def covered(path: str, role: str) -> bool:
    """Say whether a path is below one that is deleted with the role, or with `base`."""
    patterns = [*Traces.of(role).paths, *Traces.of("base").paths]
    places = [path, *(str(parent) for parent in _parents(path))]
    return any(fnmatch.fnmatch(place, pattern) for place in places for pattern in patterns)


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:length]) for length in range(len(parts) - 1, 1, -1)]


@every_role
def test_every_file_of_a_role_is_among_its_traces(role: Role) -> None:
    left = []
    for task in role.tasks():
        for module in ("template", "copy", "file", "assemble"):
            written = task.get(f"ansible.builtin.{module}") or {}
            place = str(written.get("dest") or written.get("path") or "")
            if written.get("state") == "absent" or task.get("delegate_to"):
                continue
            left += [d for d in destinations(task, place) if re.match(r"/\w[^{]*$", d)]
    assert [p for p in left if p not in SHARED and not covered(p.rstrip("/"), role.name)] == []


@every_role
def test_every_package_of_a_role_is_purged_or_meant_to_stay(role: Role) -> None:
    named: set[str] = set()
    for task in role.tasks():
        names = (task.get("ansible.builtin.apt") or {}).get("name", [])
        named |= {names} if isinstance(names, str) else set(names)
    assert named - set(Traces.of(role.name).packages) <= KEPT


@pytest.mark.parametrize("tier", list(Tier))
def test_base_is_removed_last_and_the_hosts_mark_with_it(tier: Tier) -> None:
    left = traces(tier)
    assert len(left) == len(roles_of(tier))
    assert left[-1] == Traces.of("base")
    assert left[-1].paths[-1] == "/etc/klokken"


def test_what_would_go_is_told_in_a_line_a_host() -> None:
    line = told("drive2")
    assert "stops drive.service" in line
    assert "/srv/data/drive" in line
    assert "\n" not in line


# Programs that would change a host write down what they were asked for.
NOTE = '#!/bin/sh\necho "$(basename "$0") $*" >> "$LOG"\n'


def run(folder: Path, owner: str) -> tuple[int, str]:
    """Run the removal from a host that is a folder; return its exit code and what was done."""
    programs = folder / "bin"
    programs.mkdir()
    for name in ("systemctl", "apt-get", "userdel", "nft", "rm"):
        (programs / name).write_text(NOTE)
    (programs / "cat").write_text(f"#!/bin/sh\necho {owner}\n")
    there = "haproxy installed\\ngone config-files\\n"
    (programs / "dpkg-query").write_text(f"#!/bin/sh\nprintf '{there}'\n")
    for path in programs.iterdir():
        path.chmod(0o755)
    edge = [Traces.of(role) for role in reversed(roles_of(Tier.EDGE)) if role != "base"]
    log = folder / "log"
    log.touch()
    environment = {"PATH": f"{programs}:{os.environ['PATH']}", "LOG": str(log)}
    done = subprocess.run(
        ["sh", "-s"], input=script("mine", edge), text=True, env=environment, check=False
    )
    return done.returncode, log.read_text()


def test_services_stop_before_their_packages_and_files_go(tmp_path: Path) -> None:
    code, log = run(tmp_path, "mine")
    assert code == 0
    steps = log.splitlines()
    assert steps.index("systemctl stop haproxy.service") < steps.index(
        "apt-get -qq purge --yes haproxy"
    )
    assert steps.index("apt-get -qq purge --yes haproxy") < steps.index("rm -rf -- /etc/haproxy")


@pytest.mark.parametrize(("owner", "code"), [("another", 3), ("", 0)])
def test_a_host_of_another_stack_or_of_none_is_left_alone(
    tmp_path: Path, owner: str, code: int
) -> None:
    assert run(tmp_path, owner) == (code, "")


def test_only_servers_can_be_rid_of_a_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Pulumi.here.yaml").write_text((PROJECT / "stacks/examples/lab.yaml").read_text())
    monkeypatch.setattr(stackconfig, "PROJECT", tmp_path)
    with pytest.raises(InputError, match="--remove-from-hosts: is for servers that exist"):
        deployment.down("here", from_hosts=True)
