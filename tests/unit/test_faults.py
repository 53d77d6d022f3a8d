from __future__ import annotations

import ast
import os
import re
import shlex
import socket
import subprocess
import sys
import threading
import time
from functools import partialmethod
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from klokken.errors import InputError, MachineError, StormRefusedError
from klokken.faults import injection
from klokken.faults.commands import exam
from klokken.faults.injection import Injection
from klokken.faults.kinds import KINDS, Fault, in_order, parse
from klokken.faults.ways import FULL_BYTES, GUARD, Step, ways
from klokken.inventory import Everything, Group, Inventory
from klokken.paths import PROJECT
from klokken.remote import Remote
from klokken.topology import Tier
from tests.namespace import in_own_network
from tests.unit import test_plan

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

HELD = [name for name, kind in KINDS.items() if kind.seconds and "poweroff" not in name]


def inventory() -> Inventory:
    """Return a site with two hosts in each tier."""
    one = test_plan.inventory()
    children = {
        tier: Group(
            hosts={f"{tier}{n}": test_plan.one(f"198.18.0.{20 * t + 10 + n}") for n in (1, 2)}
        )
        for t, tier in enumerate(Tier)
    }
    return Inventory(all=Everything(vars=one.site, children=children))


def steps(text: str) -> list[Step]:
    return [step for way in ways(parse(text), inventory()) for step in way]


@given(
    st.sampled_from(sorted(KINDS)),
    st.integers(0, 99_999),
    st.none() | st.integers(1, 600),
)
def test_a_fault_is_read_as_it_is_written(kind: str, at: int, seconds: int | None) -> None:
    blow = not KINDS[kind].seconds
    text = f"{kind}@{at}" + (f"+{seconds}" if seconds and not blow else "")
    fault = parse(text)
    assert fault == Fault(KINDS[kind], at, 0 if blow else seconds or KINDS[kind].seconds)
    assert parse(str(fault)) == fault


@given(st.text(max_size=20) | st.from_regex(r"[a-z-]{1,9}@[0-9.+]{0,5}", fullmatch=True))
def test_whatever_else_is_written_is_refused_in_one_line(text: str) -> None:
    try:
        assert parse(text).kind.name in KINDS
    except InputError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017 - not every text is refused


@pytest.mark.parametrize(
    ("text", "mend"),
    [
        ("kill-egde@60", "did you mean kill-edge"),
        ("flood@60", "choose kill-edge, "),
        ("cut", "KIND@SECOND"),
        ("cut@-1", "KIND@SECOND"),
        ("cut@60+", "KIND@SECOND"),
        ("cut@60+0", "give 1 to 600 s"),
        ("cut@60+3600", "give 1 to 600 s"),
        ("kill-edge@60+5", "leave out"),
    ],
)
def test_a_fault_that_cannot_be_is_refused_with_its_mend(text: str, mend: str) -> None:
    with pytest.raises(InputError, match=re.escape(mend)) as caught:
        parse(text)
    assert "\n" not in str(caught.value)


def test_faults_come_one_after_the_other() -> None:
    assert [str(f) for f in in_order([parse("cut@60"), parse("loss@10")])] == [
        "loss@10+20",
        "cut@60+15",
    ]
    for pair in (["loss@10", "cut@29"], ["kill-edge@5", "kill-drive@5"]):
        with pytest.raises(InputError, match="while"):
            in_order([parse(text) for text in pair])


@pytest.mark.parametrize("kind", KINDS)
def test_every_script_is_one_that_a_shell_and_python_understand(kind: str) -> None:
    for step in steps(f"{kind}@1"):
        for script in (step.begin, step.end):
            subprocess.run(["sh", "-n"], input=script.encode(), check=True)
            for program in re.findall(r"python3 - <<'END'\n(.*?)\nEND\n", script, re.DOTALL):
                ast.parse(program)


@pytest.mark.parametrize("kind", HELD)
def test_a_fault_that_lasts_is_undone_by_the_host_itself_if_nobody_does(kind: str) -> None:
    for step in steps(f"{kind}@1+30"):
        arming, undo = step.begin.split("<<'GUARD'\n")[1].split("GUARD\n", 1)[0], step.end
        assert undo.startswith(arming)
        assert f"--on-active={30 + GUARD:g} " in step.begin
        assert f"systemctl stop klokken-fault-{kind}.timer" in undo
        armed = f"/bin/sh /run/klokken-fault-{kind}.sh\n"
        assert step.begin.split(armed)[1], "the guard is armed before anything is broken"


@pytest.mark.parametrize(
    ("kind", "host", "unit"),
    [
        ("kill-edge", "edge1", "haproxy"),
        ("kill-database", "database1", "postgresql@17-main"),
        ("kill-drive", "drive1", "drive"),
        ("kill-directory", "drive1", "slapd"),
        ("kill-metrics", "metrics1", "prometheus"),
    ],
)
def test_a_kill_meets_the_main_process_of_one_host(kind: str, host: str, unit: str) -> None:
    kill = f"systemctl kill --kill-whom=main --signal=KILL {unit}.service\n"
    assert steps(f"{kind}@1") == [Step(host, kill)]


def test_a_killed_keycloak_dies_with_the_shell_that_would_end_it_in_good_order() -> None:
    kill = "systemctl kill --kill-whom=all --signal=KILL keycloak.service\n"
    assert steps("kill-identity@1") == [Step("identity1", kill)]


def test_a_frozen_database_stands_still_as_a_whole_and_goes_on() -> None:
    (step,) = steps("freeze-database@1")
    assert step.host == "database1"
    assert step.begin.endswith("--kill-whom=all --signal=STOP postgresql@17-main.service\n")
    assert step.end.startswith(
        "systemctl kill --kill-whom=all --signal=CONT postgresql@17-main.service\n"
    )


def test_loss_meets_every_drive_host_and_spares_ssh() -> None:
    found = steps("loss@1")
    assert [step.host for step in found] == ["drive1", "drive2"]
    for part in ("dport 22 accept", "sport 22 accept", "numgen random mod 100 < 2 drop"):
        assert part in found[0].begin


def test_loss_spares_ssh_at_the_port_of_each_host() -> None:
    found = inventory().model_dump(mode="json")
    found["all"]["children"]["drive"]["hosts"]["drive2"]["ansible_port"] = 2222
    first, second = ways(parse("loss@1"), Inventory.model_validate(found))[0]
    assert "dport 22 accept" in first.begin
    assert "dport 2222 accept" in second.begin
    assert "sport 2222 accept" in second.begin


DF = """#!/bin/sh
left=$(($(cat {volume}/free) - $(stat -c %s {volume}/.klokken-fault-full 2>/dev/null || echo 0)))
printf 'Avail\\n%s\\n' $((left < {floor} ? {floor} : left))
"""


@pytest.mark.parametrize(("floor", "full"), [(0, True), (FULL_BYTES - 1, True), (10**6, False)])
def test_a_volume_that_does_not_fill_up_is_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, floor: int, full: bool
) -> None:
    programs = {"df": DF.format(volume=tmp_path, floor=floor), "mountpoint": "#!/bin/sh\n"}
    for name, text in programs.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "free").write_text("200000")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    (step,) = steps("full-drive@1")
    fill = "mountpoint" + step.begin.partition("mountpoint")[2].replace("/srv/data", str(tmp_path))
    done = subprocess.run(["sh", "-eu"], input=fill, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == full, done.stderr
    assert ("is not full: 1000000 bytes are left" in done.stderr) != full


def test_a_cut_parts_the_cell_from_every_edge_and_from_nobody_else() -> None:
    (step,) = steps("cut@1")
    edges = "{ 198.18.0.71, 198.18.0.72 }"
    assert step.host == "drive1"
    assert re.findall(r"(ip .addr .*) drop", step.begin) == [
        f"ip saddr {edges}",
        f"ip daddr {edges}",
    ]


def test_a_delay_is_made_by_netem_or_else_by_a_proxy_on_each_edge() -> None:
    netem, proxied = ways(parse("delay@1"), inventory())
    assert [step.host for step in netem] == ["drive1"]
    assert "netem delay 300ms" in netem[0].begin
    assert [step.host for step in proxied] == ["edge1", "edge2"]
    assert "set server drive1/drive1 addr 127.0.0.1 port 19200" in proxied[0].begin
    assert "set server drive1/drive1 addr 198.18.0.51 port 9200" in proxied[0].end


def test_a_fault_of_a_tier_without_a_host_is_refused() -> None:
    whole = inventory()
    few = {tier: g for tier, g in whole.all.children.items() if tier is not Tier.DRIVE}
    without = Inventory(all=Everything(vars=whole.site, children=few))
    with pytest.raises(InputError, match="drive: has no host"):
        ways(parse("cut@1"), without)


@pytest.mark.parametrize(
    "said", ["IP changed from 'x' to 'y'", "no need to change", "No such server."]
)
def test_haproxy_must_say_that_it_was_led_elsewhere(tmp_path: Path, said: str) -> None:
    end = ways(parse("delay@1"), inventory())[1][0].end
    program = end.split("<<'END'\n")[1].split("\nEND\n")[0]
    place = tmp_path / "admin.sock"
    with socket.socket(socket.AF_UNIX) as haproxy:
        haproxy.bind(str(place))
        haproxy.listen()
        heard: list[bytes] = []

        def answer() -> None:
            with haproxy.accept()[0] as peer:
                heard.append(peer.recv(4096))
                peer.sendall(said.encode())

        thread = threading.Thread(target=answer)
        thread.start()
        program = program.replace("/run/haproxy/admin.sock", str(place))
        done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True)
        thread.join()
    assert heard == [b"set server drive1/drive1 addr 198.18.0.51 port 9200\n"]
    assert (done.returncode == 0) == (said != "No such server.")


class Hosts:
    """Hosts that note what is run on them, and fail where a script contains a word of `broken`."""

    def __init__(self, *broken: str) -> None:
        self.broken, self.ran = broken, list[tuple[str, str]]()

    def run(self, remote: Remote, argv: Sequence[str], *, given: bytes = b"", **_: Any) -> str:
        script = given.decode() if argv[-1] == "-eus" else shlex.join(argv)
        self.ran.append((remote.name, script))
        if any(word in script for word in self.broken):
            raise MachineError(f"{remote.name}: no")
        return ""


def _run_on(remote: Remote, hosts: Hosts, argv: Sequence[str], **more: Any) -> str:
    return hosts.run(remote, argv, **more)


def use(hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> Injection:
    monkeypatch.setattr(Remote, "run", partialmethod(_run_on, hosts))
    monkeypatch.setattr(injection, "PAUSE", 0)
    monkeypatch.setattr(injection, "GOING_OFF", 0)
    return Injection(inventory(), up=lambda: hosts.ran.append(("", "up")))


def ended() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


@pytest.mark.parametrize("kind", HELD)
def test_a_fault_is_begun_then_undone_and_told(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    hosts = Hosts()
    happened = use(hosts, monkeypatch).make(parse(f"{kind}@7"), ended())
    way = ways(parse(f"{kind}@7"), inventory())[0]
    begins, ends = [(s.host, s.begin) for s in way], [(s.host, s.end) for s in reversed(way)]
    assert hosts.ran == begins + ends
    assert (happened.kind, happened.at, happened.hosts) == (kind, 7, [s.host for s in way])
    assert time.time() - 5 < happened.began <= happened.ended


def test_a_fault_lasts_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    happened = use(Hosts(), monkeypatch).make(parse("cut@0+1"), threading.Event())
    assert 1.0 <= happened.ended - happened.began < 3.0


@pytest.mark.parametrize("kind", HELD)
def test_an_interrupt_undoes_the_fault(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            raise KeyboardInterrupt(timeout)

    hosts = Hosts()
    with pytest.raises(KeyboardInterrupt):
        use(hosts, monkeypatch).make(parse(f"{kind}@1"), Interrupted())
    assert hosts.ran[-1] == ((way := ways(parse(f"{kind}@1"), inventory())[0])[0].host, way[0].end)


def test_a_fault_that_a_host_would_undo_before_its_end_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hosts = Hosts()
    maker = use(hosts, monkeypatch)
    monkeypatch.setattr(injection, "SCRIPT_SECONDS", -1)
    with pytest.raises(MachineError, match="beginning it took 0 s, and a host undoes it by itself"):
        maker.make(parse("loss@1"), ended())
    assert [host for host, _ in hosts.ran] == ["drive1", "drive2", "drive2", "drive1"]


def test_a_fault_half_begun_is_undone_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    hosts = Hosts("numgen")
    with pytest.raises(MachineError, match="drive1: no"):
        use(hosts, monkeypatch).make(parse("loss@1"), ended())
    assert [host for host, _ in hosts.ran] == ["drive1", "drive2", "drive1"]


def test_without_netem_a_delay_is_made_by_toxiproxy_brought_along(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "toxiproxy-server").write_bytes(b"\x7fELF")
    monkeypatch.setattr(injection, "tools_folder", lambda: tmp_path)
    hosts = Hosts("netem delay")
    happened = use(hosts, monkeypatch).make(parse("delay@1"), ended())
    assert happened.hosts == ["edge1", "edge2"]
    assert [host for host, script in hosts.ran if "faults && cat" in script] == ["edge1", "edge2"]


def test_a_tool_that_was_not_built_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(injection, "tools_folder", lambda: tmp_path)
    with pytest.raises(MachineError, match="make setup"):
        use(Hosts("netem delay"), monkeypatch).make(parse("delay@1"), ended())


def test_undoing_is_tried_again_and_then_left_to_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    hosts = Hosts("CONT")
    maker = use(hosts, monkeypatch)
    hosts.broken = ("\nCONT",)
    monkeypatch.setattr(injection, "ways", lambda *_: [(Step("database1", "begin", "\nCONT"),)])
    with pytest.raises(MachineError, match="by itself within 75 s"):
        maker.make(parse("freeze-database@1"), ended())
    assert hosts.ran == [("database1", "begin")] + [("database1", "\nCONT")] * 3


def test_a_host_that_was_powered_off_is_brought_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    hosts = Hosts("true")
    maker = use(hosts, monkeypatch)

    def up() -> None:
        hosts.ran.append(("", "up"))
        hosts.broken = ()
        time.sleep(2)

    maker.up = up
    happened = maker.make(parse("poweroff-drive@1"), ended())
    assert "systemctl poweroff --force --force" in hosts.ran[0][1]
    assert ("", "up") in hosts.ran
    assert happened.hosts == ["drive1"]
    assert time.time() - happened.ended > 1, "it ends when the host answers, not when `up` is done"


def test_a_host_that_did_not_go_off_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MachineError, match="did not go off"):
        use(Hosts(), monkeypatch).make(parse("poweroff-drive@1"), ended())


def test_the_page_on_faults_has_every_kind_as_it_is() -> None:
    page = (PROJECT / "docs" / "exam-faults.md").read_text()
    for kind in KINDS.values():
        seconds = f"{kind.seconds:g} s" if kind.seconds else "at once"
        where = f"cell {kind.cell}" if kind.cell else "every cell"
        row = f"| `{kind.name}` | {kind.does} | {seconds} | {where} | {kind.undone} |"
        assert row in page, f"the page needs: {row}"
    assert page.count("\n| `") == len(KINDS)


@pytest.mark.parametrize("kind", ["loss", "cut"])
def test_tables_are_ones_that_nft_takes(kind: str) -> None:
    table = steps(f"{kind}@1")[0].begin.split("<<'END'\n")[1].removesuffix("END\n")
    undo = steps(f"{kind}@1")[0].end.splitlines()[0]
    in_own_network(f"nft -f - && {undo} && {undo}", table)


def test_a_host_that_nobody_could_switch_on_again_is_not_powered_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    example = (PROJECT / "stacks/examples/servers.yaml").read_text()
    (tmp_path / "Pulumi.basement.yaml").write_text(example)
    monkeypatch.setattr("klokken.stackconfig.PROJECT", tmp_path)
    asked = ["spelling", "--stack", "basement", "--fault", "poweroff-drive@10"]
    done = CliRunner().invoke(exam, asked)
    assert isinstance(done.exception, StormRefusedError)
    assert "only those of a lab are switched on again" in str(done.exception)
