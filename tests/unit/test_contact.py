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


def test_a_key_that_is_written_down_no_more_and_one_that_changed_are_noticed(known: Path) -> None:
    hosts = {**OLD, "edge3": "192.0.2.3", "edge4": "192.0.2.4"}
    contact.meet("site", hosts, shows("first"))
    lines = known.read_text().splitlines()
    known.write_text("\n".join(line for line in lines if "192.0.2.1" not in line) + "\n")

    def ask(address: str) -> str:
        key = {"192.0.2.2": "second", "192.0.2.3": "first", "192.0.2.4": ""}.get(address, "first")
        return f"{address} ssh-ed25519 {key}" if key else ""

    assert contact.look("site", hosts, ask) == (["edge1"], ["edge2"])


def test_a_host_that_shows_another_key_is_one_line_with_the_cause_and_the_mend(
    known: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contact.meet("site", OLD, shows("first"))
    provider = ContactProvider()
    news = {"stack": "site", "addresses": OLD, "machines": {"edge1": "1", "edge2": "2"}}
    clean = {**news, "unmet": [], "strange": []}
    monkeypatch.setattr(contact, "_scanned", lambda _, address: shows("first")(address))
    same = dict(provider.read("site", clean).outs or {})
    assert provider.diff("site", same, clean).changes is False
    monkeypatch.setattr(contact, "_scanned", lambda _, address: shows("second")(address))
    found = dict(provider.read("site", clean).outs or {})
    assert provider.diff("site", found, clean).changes is True
    with pytest.raises(MachineError) as refused:
        provider.update("site", {**found, "strange": ["edge2"]}, clean)
    assert str(refused.value) == (
        "edge2 at 192.0.2.2: shows another SSH host key than the one that is known; find out why,"
        f" and if it was installed anew, run `ssh-keygen -R 192.0.2.2 -f {known}` and `up` again"
    )
    # A machine that the stack itself ordered anew has a key of its own.
    provider.update("site", found, {**clean, "machines": {"edge1": "3", "edge2": "4"}})
    assert known.read_text().splitlines() == [shows("second")(address) for address in OLD.values()]


def test_a_key_that_was_removed_by_hand_is_taken_anew(
    known: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contact, "_scanned", lambda _, address: shows("second")(address))
    contact.meet("site", {"edge1": "192.0.2.1"}, shows("first"))
    provider = ContactProvider()
    hosts = {"addresses": OLD, "machines": {"edge1": "1", "edge2": "2"}}
    clean = {"stack": "site", **hosts, "unmet": [], "strange": []}
    found = dict(provider.read("site", {**clean, "addresses": {"edge2": "192.0.2.2"}}).outs or {})
    assert found["unmet"] == ["edge2"]
    provider.update("site", {**found, "addresses": OLD}, clean)
    assert known.read_text().splitlines() == [
        "192.0.2.1 ssh-ed25519 first",
        "192.0.2.2 ssh-ed25519 second",
    ]


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
