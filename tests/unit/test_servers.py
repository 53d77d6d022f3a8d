"""Servers that a person lists: who they are, what they must have, and whose keys are believed."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from klokken import paths
from klokken.doctor.commands import doctor
from klokken.errors import Exit, InputError, MachineError
from klokken.servers import keys
from klokken.servers.facts import Facts, parsed
from klokken.servers.listing import ServerList, known_hosts_path
from klokken.servers.preconditions import LEAST, PORTS, examine, problems, remotes
from klokken.topology import Tier, Topology

if TYPE_CHECKING:
    from pathlib import Path

STACK = "kommune"
SITE = Topology.model_validate(
    {"domain": "skole.example", "network": "10.20.0.0/27", "accounts": 10, "tiers": {}}
)
ADDRESSES = {f"{tier}1": f"10.20.0.{number}" for number, tier in enumerate(Tier, 11)}
OWN = {name: {"site_address": address} for name, address in ADDRESSES.items()}
MANAGEMENT = [IPv4Network("10.9.0.0/24")]
READY = Facts(
    release="debian 13",
    root=True,
    systemd=True,
    python=True,
    clock_off=0.0,
    machine="a1",
    cores=4,
    memory_mb=64_000,
    disk_gb=900.0,
    ports=frozenset({22}),
    addresses=frozenset({"10.20.0.14", "fd00::1"}),
    seen_from="10.9.0.5",
    stack="",
    own_firewall=False,
    data_volume=True,
    packages="",
)
TOLD = """time 1000
release debian 13
root yes
init systemd cgroup2fs
python /usr/bin/python3
machine a1
cores 4
memory 65536000
disk /dev/vda1 100000 1000 50000000 2% /
ports 0016 1538
addresses 10.20.0.14 fd00::1
from 10.9.0.5
stack
data ext4
firewall
"""


def content() -> dict[str, Any]:
    """Return a list of hosts that is as it should be."""
    return {
        "ssh": {"user": "drift", "key": "/keys/drift"},
        "management": ["10.9.0.0/24"],
        "hosts": {name: {"address": address} for name, address in ADDRESSES.items()},
    }


def read(folder: Path, monkeypatch: pytest.MonkeyPatch, what: Any) -> ServerList:
    """Read a list of hosts as that of the stack."""
    monkeypatch.setattr(paths, "PROJECT", folder)
    place = folder / "inventories" / STACK
    place.mkdir(parents=True, exist_ok=True)
    (place / "hosts.yml").write_text(yaml.safe_dump(what))
    return ServerList.read(STACK, SITE)


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (
            "hosts/edge1/address",
            "10.20.0.11",
            "hosts.edge1: 10.20.0.11 is the address of database1",
        ),
        ("hosts/edge1/host", "10.20.0.11", "hosts.edge1: 10.20.0.11 is the address of database1"),
        ("hosts/edge1/address", "10.30.0.1", "not in the site's network 10.20.0.0/27"),
        ("hosts/edge1/address", "edge", "hosts.edge1.address"),
        ("hosts/edge2", {"address": "10.20.0.30"}, "hosts.edge2: no host of the stack's config"),
        ("hosts/edge1/port", 0, "hosts.edge1.port"),
        ("hosts/edge1/host", "-oProxyCommand=x", "hosts.edge1.host"),
        ("hosts/edge1/user", "Drift; rm", "hosts.edge1.user"),
        ("hosts/edge1/variables", {"site_address": "10.0.0.1"}, "not given here"),
        ("hosts/edge1/variables", {"ansible_become": True}, "not given here"),
        (
            "hosts/edge1/variables",
            {"edge_thread": 4},
            "edge_thread: no variable of the tier edge; did you mean 'edge_threads'?",
        ),
        (
            "hosts/edge1/variables",
            {"edge_threads": "4"},
            "hosts.edge1.variables.edge_threads: not a whole number",
        ),
        ("hosts/edge1/adress", "10.20.0.14", "did you mean 'address'?"),
        ("ssh/key", None, "ssh.key"),
        ("management", [], "management"),
    ],
)
def test_a_wrong_list_is_refused_in_one_line_that_names_the_field(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, value: Any, said: str
) -> None:
    changed = content()
    *parents, last = place.split("/")
    inner = changed
    for part in parents:
        inner = inner[part]
    inner[last] = value
    with pytest.raises(InputError) as refused:
        read(tmp_path, monkeypatch, changed)
    line = str(refused.value)
    assert line.startswith(str(tmp_path / "inventories" / STACK / "hosts.yml"))
    assert said in line
    assert "\n" not in line


def test_a_host_that_is_not_listed_is_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = content()
    del changed["hosts"]["drive1"]
    with pytest.raises(InputError, match=r"hosts\.drive1: missing; list it, or lower"):
        read(tmp_path, monkeypatch, changed)


def test_two_hosts_may_share_an_address_by_different_ports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = content()
    changed["hosts"]["edge1"] |= {"host": "jump.example", "port": 2201}
    changed["hosts"]["drive1"] |= {"host": "jump.example", "port": 2202}
    listed = read(tmp_path, monkeypatch, changed)
    assert listed.way_in(listed.hosts["edge1"]) == "[jump.example]:2201"


def test_root_needs_no_sudo_and_another_user_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = content()
    changed["hosts"]["edge1"]["user"] = "root"
    listed = read(tmp_path, monkeypatch, changed)
    assert "ansible_become" not in listed.variables("edge1")
    assert listed.variables("drive1")["ansible_become"] is True


def lines(tier: Tier = Tier.EDGE, **changes: Any) -> list[str]:
    """Return what keeps a host, ready but for `changes`, from being adopted."""
    name = f"{tier}1"
    facts = replace(READY, **changes)
    return problems(STACK, {name: facts}, {name: {"site_address": "10.20.0.14"}}, MANAGEMENT)


@pytest.mark.parametrize("tier", list(Tier))
def test_a_host_that_has_everything_is_adopted(tier: Tier) -> None:
    assert lines(tier) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"release": "debian 12"}, "runs debian 12; install Debian 13"),
        ({"release": "ubuntu 24.04"}, "runs ubuntu 24.04"),
        ({"root": False}, "sudo without a password"),
        ({"systemd": False}, "systemd on cgroup v2"),
        ({"python": False}, "apt-get install python3"),
        ({"clock_off": 61.0}, "its clock is 61 s off"),
        ({"packages": "apt has no package source"}, "apt has no package source; give it one"),
        ({"memory_mb": 100}, "100 MB of memory, the tier edge needs 450"),
        ({"disk_gb": 0.5}, "0.5 GB free in /var"),
        ({"addresses": frozenset({"10.1.1.1"})}, "has no address 10.20.0.14, it has 10.1.1.1"),
        ({"seen_from": "10.8.0.1"}, "sees this machine as 10.8.0.1"),
        ({"seen_from": "fd00::7"}, "sees this machine as fd00::7"),
        ({"ports": frozenset({22, 80, 443})}, "ports in use already: 80, 443"),
        ({"own_firewall": True}, "/etc/nftables.conf has rules of its own"),
        ({"stack": "other"}, "belongs to the stack other"),
    ],
)
def test_each_thing_that_a_host_lacks_is_one_line_with_its_mend(
    change: dict[str, Any], said: str
) -> None:
    (line,) = lines(**change)
    assert line.startswith("edge1: ")
    assert said in line
    assert "; " in line


def test_a_cell_has_a_disk_for_its_documents() -> None:
    (line,) = lines(Tier.DRIVE, data_volume=False)
    assert "no volume of its own at /srv/data; mount one there, or name a disk" in line
    found = {"drive1": replace(READY, data_volume=False)}
    device = {"site_address": "10.20.0.14", "volume_device": "/dev/vdb"}
    assert problems(STACK, found, {"drive1": device}, MANAGEMENT) == []
    assert lines(Tier.EDGE, data_volume=False) == []


def test_a_host_that_the_stack_has_already_may_use_its_own_ports() -> None:
    assert lines(stack=STACK, ports=frozenset({80, 443, 9100}), own_firewall=True) == []


def test_everything_is_listed_at_once_also_of_hosts_that_do_not_answer() -> None:
    gone = MachineError("drive1: cannot be reached: Connection refused")
    found: dict[str, Facts | MachineError] = {
        "edge1": replace(READY, root=False, python=False),
        "drive1": gone,
    }
    assert len(problems(STACK, found, OWN, MANAGEMENT)) == 3


def test_one_machine_listed_as_two_hosts_is_noticed() -> None:
    found = {name: replace(READY, addresses=frozenset({a})) for name, a in ADDRESSES.items()}
    said = problems(STACK, found, OWN, MANAGEMENT)
    assert len(said) == len(ADDRESSES) - 1
    assert all("is the same machine as database1" in line for line in said)


@given(st.sampled_from(list(Tier)), st.integers(0, 10**6), st.floats(0, 1e4))
def test_more_memory_and_disk_never_make_a_host_unfit(tier: Tier, more: int, disk: float) -> None:
    least, room = LEAST[tier]
    assert lines(tier, memory_mb=least + more, disk_gb=room + disk) == []


def test_the_facts_of_a_host_are_read_from_what_it_tells() -> None:
    found = parsed(TOLD, 1000.2, 1000.9, "")
    assert found == replace(READY, disk_gb=51.2, ports=frozenset({22, 5432}))
    assert parsed(TOLD, 1000.2, 1000.9, "").clock_off == 0
    assert parsed(TOLD, 1008.0, 1009.0, "").clock_off == 7
    assert parsed(TOLD, 900.0, 901.0, "").clock_off == 99
    assert parsed(TOLD + "stack kommune\n", 0, 0, "").stack == "kommune"


@given(st.sampled_from(TOLD.split("\n")), st.text(max_size=30))
def test_a_host_that_tells_nonsense_is_an_error_and_no_more(line: str, instead: str) -> None:
    try:
        found = parsed(TOLD.replace(line, instead) if line else instead, 0, 1, "")
    except (KeyError, ValueError, IndexError):
        return
    assert isinstance(found, Facts)


# What a host is asked runs here, on a machine that is a Debian too.
SSH = """#!/bin/sh
for word; do command=$word; done
case "$*" in *10.20.0.12*) echo "Host key verification failed." >&2; exit 255 ;; esac
case "$*" in *10.20.0.13*) cat >&2 <<END
@@@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @@@
Offending ED25519 key in /somewhere/known_hosts:3
Host key verification failed.
END
exit 255 ;; esac
SSH_CONNECTION="10.9.0.5 1 2 3" exec sh -c "$command"
"""
KEY = "AAAAC3NzaC1lZDI1NTE5AAAAI" + "A" * 43
SCAN = """#!/bin/sh
for word; do host=$word; done
case "$host" in *.16) exit 1 ;; esac
echo "# $host:22 SSH-2.0-OpenSSH"
echo "$host ssh-ed25519 ${KEY:-%s}"
"""


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put an `ssh` and an `ssh-keyscan` on PATH that need no host."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, text in {"ssh": SSH, "ssh-keyscan": SCAN % KEY, "apt-get": "#!/bin/sh\n"}.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    return folder


@pytest.mark.usefixtures("programs")
def test_hosts_are_asked_side_by_side_and_each_says_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = read(tmp_path, monkeypatch, content())
    own = {name: listed.variables(name) for name in listed.hosts}
    found = examine(remotes(own, listed.shared(STACK)))
    assert "its host key is not known; look at it and accept it" in str(found["identity1"])
    assert "remove its line from /somewhere/known_hosts" in str(found["drive1"])
    edge = found["edge1"]
    assert isinstance(edge, Facts)
    assert edge.seen_from == "10.9.0.5"
    assert edge.packages == "apt has no package source"
    assert edge.clock_off == 0


@pytest.mark.usefixtures("programs")
def test_keys_are_shown_first_and_taken_only_when_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = read(tmp_path, monkeypatch, content())
    hosts = keys.shown(STACK, listed)
    assert [host.name for host in hosts if host.problem] == ["loadgen1"]
    assert not any(host.is_known for host in hosts)
    assert not known_hosts_path(STACK).exists()
    assert len(keys.accept(STACK, hosts)) == len(ADDRESSES) - 1
    assert all(host.is_known for host in keys.shown(STACK, listed) if host.name != "loadgen1")
    assert keys.accept(STACK, keys.shown(STACK, listed)) == []


@pytest.mark.usefixtures("programs")
def test_a_changed_key_is_never_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = read(tmp_path, monkeypatch, content())
    keys.accept(STACK, keys.shown(STACK, listed))
    before = known_hosts_path(STACK).read_text()
    monkeypatch.setenv("KEY", KEY[:-1] + "B")
    hosts = keys.shown(STACK, listed)
    assert all("is not the one that is known" in h.problem for h in hosts if h.name != "loadgen1")
    assert keys.accept(STACK, hosts) == []
    assert known_hosts_path(STACK).read_text() == before


def test_a_fingerprint_is_that_of_ssh_keygen(tmp_path: Path) -> None:
    file = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(file)], check=True)
    public = " ".join(file.with_suffix(".pub").read_text().split()[:2])
    shown = subprocess.run(
        ["ssh-keygen", "-lf", str(file)], capture_output=True, text=True, check=True
    ).stdout
    assert keys.fingerprints(frozenset({public})) == [f"{shown.split()[1]} ssh-ed25519"]


@pytest.mark.usefixtures("programs")
def test_doctor_lists_what_is_missing_and_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = content()
    changed["ssh"]["key"] = str(tmp_path / "key")
    (tmp_path / "key").touch()
    read(tmp_path, monkeypatch, changed)
    monkeypatch.setattr("klokken.stackconfig.PROJECT", tmp_path)
    config = {"klokken:substrate": "servers", "klokken:site": SITE.model_dump(mode="json")}
    (tmp_path / f"Pulumi.{STACK}.yaml").write_text(yaml.safe_dump({"config": config}))
    done = CliRunner().invoke(doctor, [STACK, "--accept-host-keys", "--json"])
    assert done.exit_code == Exit.FAIL
    findings = json.loads(done.output)["findings"]
    missing = "\n".join(f"{f['topic']}: {f['text']}" for f in findings if not f["ready"])
    assert "secrets: none yet; run `klokken init kommune`" in missing
    assert "host keys: loadgen1: does not answer SSH" in missing
    assert "hosts: drive1: cannot be reached: its host key is not the one that is known" in missing
    ready = [f["text"] for f in findings if f["ready"]]
    assert sum("accepted SHA256:" in text for text in ready) == len(ADDRESSES) - 1


def test_the_ports_that_must_be_free_are_those_that_the_roles_open() -> None:
    defaults = yaml.safe_load((paths.PROJECT / "roles/base/defaults/main.yml").read_text())
    opened = {tier: {rule["port"] for rule in defaults["base_ports"][tier]} for tier in Tier}
    assert [tier for tier in Tier if not opened[tier] <= PORTS[tier]] == []
