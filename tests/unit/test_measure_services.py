"""A fresh start of the services: in order, without a warm-up, and with one again afterwards."""

from __future__ import annotations

import socket
import subprocess
import threading
from typing import TYPE_CHECKING, Any

import pytest

from klokken.capacity.measure import services
from klokken.errors import MachineError
from klokken.remote import Remote
from tests.unit.test_plan import inventory

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "# pxname,svname,status,check_status,\n"
UP = "identity,identity1,UP,L7OK,\nportal,FRONTEND,OPEN,,\nidentity,BACKEND,UP,,\n"


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Return what hosts are told, instead of telling them."""
    found: list[tuple[str, str]] = []

    def run(host: Remote, _: Any, *, given: bytes, **__: Any) -> str:
        found.append((host.name, given.decode()))
        return ""

    monkeypatch.setattr(Remote, "run", run)
    return found


def restarted(told: list[tuple[str, str]]) -> list[str]:
    return [text.strip() for _, text in told if text.startswith("systemctl restart")]


def test_services_start_in_the_order_in_which_they_need_each_other(
    told: list[tuple[str, str]],
) -> None:
    services.start_afresh(inventory(), drive=False)
    assert told[0] == ("identity1", services.WITHOUT_WARM_UP)
    assert restarted(told) == [
        "systemctl restart postgresql@17-main.service",
        "systemctl restart keycloak.service",
        "systemctl restart haproxy.service",
    ]
    assert told[-2:] == [("edge1", services.ALL_UP), ("identity1", services.WITH_WARM_UP)]


def test_the_drive_is_restarted_where_it_takes_part(told: list[tuple[str, str]]) -> None:
    services.start_afresh(inventory(), drive=True)
    assert "systemctl restart drive.service" in restarted(told)


def test_a_service_that_does_not_come_up_is_told_and_the_warm_up_is_there_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[str] = []

    def run(_: Any, __: Any, *, given: bytes, **___: Any) -> str:
        told.append(given.decode())
        if given.decode() == services.ALL_UP:
            raise MachineError("edge1: identity1")
        return ""

    monkeypatch.setattr(Remote, "run", run)
    monkeypatch.setattr(services, "PATIENCE", -1.0)
    with pytest.raises(MachineError, match=r"^edge1: identity1: not up .* after a start$"):
        services.start_afresh(inventory(), drive=False)
    assert told[-1] == services.WITH_WARM_UP


@pytest.mark.parametrize("script", [services.WITHOUT_WARM_UP, services.WITH_WARM_UP])
def test_the_scripts_are_shell_and_name_one_folder(script: str) -> None:
    subprocess.run(["sh", "-n"], input=script, text=True, check=True)
    assert script.count("keycloak-warmup.service.d") == script.count("/run/systemd/system/")


@pytest.mark.parametrize(
    ("said", "code", "names"),
    [
        (UP, 0, ""),
        # As HAProxy has it before its first check.
        ("identity,identity1,UP,INI,\n", 1, "identity1"),
        ("identity,identity1,DOWN,L4CON,\ndrive1,drive1,UP,L7OK,\n", 1, "identity1"),
        ("identity,identity1,UP,* L7OK,\n", 0, ""),
    ],
)
def test_every_service_must_have_answered_a_check_of_its_own(
    tmp_path: Path, said: str, code: int, names: str
) -> None:
    path = tmp_path / "admin.sock"
    script = services.ALL_UP.replace("/run/haproxy/admin.sock", str(path))
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                assert connection.recv(100) == b"show stat\n"
                connection.sendall((HEAD + said).encode())

        thread = threading.Thread(target=answer)
        thread.start()
        done = subprocess.run(
            ["sh", "-eu"], input=script, text=True, capture_output=True, check=False
        )
        thread.join()
    assert (done.returncode, done.stderr.strip()) == (code, names)


def test_bytes_written_are_summed_over_processes_and_hosts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = iter(["4096\n0\n", "8192\n", ""])
    monkeypatch.setattr(Remote, "run", lambda *_, **__: next(answers))
    hosts = Remote.of(inventory())
    assert services.written(hosts[:2]) == 4096 + 8192
    assert services.written(hosts[:1]) is None
