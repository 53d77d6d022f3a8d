"""The first contact with hosts that a cloud has made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from klokken.clouds import contact
from klokken.errors import MachineError
from stacks.contact import ContactProvider

if TYPE_CHECKING:
    from pathlib import Path

OLD = {"edge1": "192.0.2.1", "edge2": "192.0.2.2"}


@pytest.fixture
def known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "site" / "known_hosts"
    monkeypatch.setattr(contact, "known_hosts_path", lambda _stack: path)
    return path


def shows(key: str) -> contact.Asked:
    return lambda address: f"{address} ssh-ed25519 {key}"


def test_the_key_of_every_host_is_written_down(known: Path) -> None:
    contact.meet("site", OLD, shows("first"))
    assert known.read_text().splitlines() == [
        "192.0.2.1 ssh-ed25519 first",
        "192.0.2.2 ssh-ed25519 first",
    ]


def test_a_host_made_anew_has_its_key_replaced_and_the_others_keep_theirs(known: Path) -> None:
    contact.meet("site", OLD, shows("first"))
    contact.meet("site", {"edge2": "192.0.2.2"}, shows("second"))
    assert known.read_text().splitlines() == [
        "192.0.2.1 ssh-ed25519 first",
        "192.0.2.2 ssh-ed25519 second",
    ]


def test_hosts_that_never_answer_are_named_in_one_line_with_the_mend(known: Path) -> None:
    def ask(address: str) -> str:
        return "" if address.endswith(".2") else f"{address} ssh-ed25519 key"

    with pytest.raises(MachineError) as refused:
        contact.meet("site", OLD, ask)
    assert str(refused.value).startswith("edge2 at 192.0.2.2: SSH does not answer after ")
    assert "`management`" in str(refused.value)
    assert known.read_text() == "192.0.2.1 ssh-ed25519 key\n"


def test_forgetting_leaves_no_trace(known: Path) -> None:
    contact.meet("site", OLD, shows("first"))
    contact.forget("site")
    assert not known.parent.exists()
    contact.forget("site")


def test_only_hosts_that_are_new_are_met_again(monkeypatch: pytest.MonkeyPatch) -> None:
    met: list[dict[str, str]] = []
    monkeypatch.setattr(contact, "meet", lambda _stack, addresses: met.append(dict(addresses)))
    olds = {"stack": "site", "addresses": OLD, "machines": {"edge1": "1", "edge2": "2"}}
    news = {**olds, "machines": {"edge1": "1", "edge2": "3"}}
    provider = ContactProvider()
    assert provider.diff("site", olds, dict(olds)).changes is False
    assert provider.diff("site", olds, news).changes is True
    provider.update("site", olds, news)
    assert met == [{"edge2": "192.0.2.2"}]
