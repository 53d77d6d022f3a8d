"""What a cloud refused, as the one line that `up` ends with."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from klokken import deployment, workspace
from klokken.clouds.refusals import explained, refusals
from klokken.errors import MachineError
from tests.clouds import PUBLIC_KEY, STACK, configured

if TYPE_CHECKING:
    from collections.abc import Sequence


SERVER = "klokken:hetzner:Server$hcloud:index/server:Server"
ANSIBLE = "klokken:site:Site$pulumi-python:dynamic/klokken:AnsibleRun"


def event(name: str, message: str, severity: str = "error", kind: str = SERVER) -> str:
    urn = f"urn:pulumi:horsens::klokken::{kind}::{name}"
    said = {"urn": urn, "message": f"<{{%reset%}}>{message}<{{%reset%}}>\n", "severity": severity}
    return json.dumps({"sequence": 1, "diagnosticEvent": said})


def lines(path: Path, *events: str) -> list[str]:
    path.write_text("\n".join(['{"sequence": 0, "preludeEvent": {}}', *events]))
    return refusals(path)


DENIED = (
    "the cloud refuses the credentials; give others, and see with `klokken doctor` what they open"
)
QUOTA = (
    "a quota of the account is reached; have it raised in the cloud's console, and `up` again"
    " makes the rest"
)
OFTEN = "the cloud was asked too much at once; wait for a few minutes, and `up` again goes on"
GONE = (
    "the cloud has none left of this type in this place; choose another type or location, or wait,"
    " and `up` again"
)
TAKEN = (
    "the name or address is taken by something that the stack does not know; delete it in"
    " the cloud's console, or import it, as docs/clouds.md says, and `up` again"
)
UNKNOWN = (
    "the cloud does not know a type, image, location or size; correct the stack's config by the"
    " line above, and `up` again"
)


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("unable to authenticate (unauthorized, 1234)", DENIED),
        ("Expected HTTP response code [200], but got 401 instead", DENIED),
        ("server limit reached (resource_limit_exceeded, 1234)", QUOTA),
        ("Quota exceeded for instances: Requested 1, but already used 10 of 10 instances", QUOTA),
        ('but got 403 instead {"forbidden": {"message": "Quota exceeded for cores"}}', QUOTA),
        ('but got 403 instead {"forbidden": {"message": "Policy does not allow it"}}', DENIED),
        ("limit of 3600 requests per hour reached (rate_limit_exceeded, 1234)", OFTEN),
        ("error during placement (resource_unavailable, 1234)", GONE),
        ("server name is already used (uniqueness_error, 1234)", TAKEN),
        ("invalid input in field 'server_type' (invalid_input, 1234)", UNKNOWN),
    ],
)
def test_a_code_of_the_clouds_becomes_cause_and_mend(tmp_path: Path, said: str, line: str) -> None:
    assert lines(tmp_path / "log", event("horsens-edge1", said)) == [f"horsens-edge1: {line}"]


def test_a_log_that_was_cut_short_tells_what_is_whole_in_it(tmp_path: Path) -> None:
    whole = event("horsens-edge1", "server limit reached (resource_limit_exceeded)")
    (line,) = lines(tmp_path / "log", whole, whole[:40])
    assert line == f"horsens-edge1: {QUOTA}"


def test_what_fails_for_one_cause_is_one_line(tmp_path: Path) -> None:
    over = "server limit reached (resource_limit_exceeded)"
    names = [f"horsens-drive{number}" for number in range(1, 6)]
    (line,) = lines(tmp_path / "log", *(event(name, over) for name in [*names, *names]))
    assert line.startswith("horsens-drive1, horsens-drive2, horsens-drive3 and 2 more: a quota")


@pytest.mark.parametrize(
    "events",
    [
        [],
        [event("x", "unauthorized", "info")],
        [event("x", "something else")],
        [event("x", "/lib/provider2.go:504: something else")],
        [event("x", "timeout", kind=ANSIBLE)],
    ],
)
def test_a_cause_that_is_not_known_is_not_made_up(tmp_path: Path, events: list[str]) -> None:
    assert lines(tmp_path / "log", *events) == []
    assert refusals(tmp_path / "none") == []


def test_a_failure_without_a_known_cause_stays_as_it_is() -> None:
    with pytest.raises(MachineError, match="as it was"), explained("horsens"):
        raise MachineError("as it was")


class Pulumi:
    """Stands in for the program: keeps how it was started, and what is refused in its log."""

    asked: list[Sequence[str]]
    refusal = ""

    def __init__(self, argv: Sequence[str], **_options: Any) -> None:
        self.asked.append(argv)
        if self.refusal:
            log = Path(argv[argv.index("--event-log") + 1])
            log.write_text(event("horsens-edge1", self.refusal))

    def wait(self, _patience: float = 0) -> int:
        return 255 if self.refusal else 0


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> type[Pulumi]:
    (tmp_path / "id.pub").write_text(PUBLIC_KEY)
    config = configured("hetzner", str(tmp_path / "id"))
    monkeypatch.setattr(workspace, "require_stack", lambda _stack: config)
    monkeypatch.setattr(deployment, "require_account", lambda *_words: None)
    monkeypatch.setattr(Pulumi, "asked", [], raising=False)
    monkeypatch.setattr(subprocess, "Popen", Pulumi)
    return Pulumi


def test_up_and_preview_of_a_cloud_ask_the_policy_pack(pulumi: type[Pulumi]) -> None:
    deployment.up(STACK)
    deployment.preview(STACK)
    verbs = [argv[argv.index("pulumi") + 1] for argv in pulumi.asked]
    packs = [argv[argv.index("--policy-pack") + 1] for argv in pulumi.asked]
    assert (verbs, packs) == (["up", "preview"], ["policy", "policy"])


def test_up_ends_with_the_cause_and_the_mend(
    pulumi: type[Pulumi], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulumi, "refusal", "server limit reached (resource_limit_exceeded)")
    with pytest.raises(MachineError) as refused:
        deployment.up(STACK)
    assert str(refused.value) == f"up of horsens: horsens-edge1: {QUOTA}"
