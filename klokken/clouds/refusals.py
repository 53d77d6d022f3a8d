"""What a cloud refused while a stack went up: out of Pulumi's log, the cause and the mend."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

from klokken.errors import MachineError

if TYPE_CHECKING:
    from collections.abc import Iterator

# What a cloud answers about; the rest that can fail is ours, and says so itself.
_CLOUDS = ("hcloud:", "openstack:", "proxmoxve:", "pulumi:providers:")
# What Pulumi colours its lines with.
_COLOUR = re.compile(r"<\{%.*?%\}>")
# More things than these are counted, not named.
_NAMED = 3


class Refusal(NamedTuple):
    """What a cloud's answer is known by, what it means, and the mend."""

    code: str
    cause: str
    mend: str


# By the codes of Hetzner's API and by what OpenStack and Proxmox say; the first that fits holds.
REFUSALS = (
    Refusal(
        r"rate_limit_exceeded|(HTTP|got) 429",
        "the cloud was asked too much at once",
        "wait for a few minutes, and `up` again goes on",
    ),
    # OpenStack forbids (403) what goes beyond a quota.
    Refusal(
        r"resource_limit_exceeded|[Qq]uota exceeded|limit exceeded",
        "a quota of the account is reached",
        "have it raised in the cloud's console, and `up` again makes the rest",
    ),
    Refusal(
        r"unauthorized|forbidden|token_readonly|(HTTP|got) 40[13]|authentication failure",
        "the cloud refuses the credentials",
        "give others, and see with `klokken doctor` what they open",
    ),
    Refusal(
        r"resource_unavailable|placement_error|No valid host was found",
        "the cloud has none left of this type in this place",
        "choose another type or location, or wait, and `up` again",
    ),
    Refusal(
        r"uniqueness_error|[Aa]lready exists|resource_in_use",
        "the name or address is taken by something that the stack does not know",
        "delete it in the cloud's console, or import it, as docs/clouds.md says, and `up` again",
    ),
    Refusal(
        r"invalid_input|[Cc]ould not be found|Unable to find|not_found",
        "the cloud does not know a type, image, location or size",
        "correct the stack's config by the line above, and `up` again",
    ),
    Refusal(
        r"action_failed|ERROR state|unexpected state",
        "it was ordered, and did not become ready",
        "`up` again goes on; `klokken check` says whether it runs, docs/clouds.md what if not",
    ),
    Refusal(
        r"server_error|service_error|(HTTP|got) 50\d|timeout|deadline exceeded|connection refused",
        "the cloud's API did not answer as it should",
        "see its status page, and `up` again goes on",
    ),
)


@contextmanager
def explained(stack: str) -> Iterator[list[str]]:
    """Yield the options with which Pulumi keeps a log, and say of a failure what is in it."""
    with TemporaryDirectory(prefix="klokken-") as folder:
        log = Path(folder) / "events"
        try:
            yield ["--event-log", str(log)]
        except MachineError:
            if lines := refusals(log):
                raise MachineError(f"up of {stack}: {' -- '.join(lines)}") from None
            raise


def refusals(log: Path) -> list[str]:
    """Return a line for each cause in Pulumi's log of events; none where no cause is known."""
    found: dict[Refusal, list[str]] = {}
    for name, said in _errors(log):
        known = next((each for each in REFUSALS if re.search(each.code, said)), None)
        if known and name not in found.setdefault(known, []):
            found[known].append(name)
    return [f"{_listed(names)}: {each.cause}; {each.mend}" for each, names in found.items()]


def _errors(log: Path) -> Iterator[tuple[str, str]]:
    """Yield the name of each thing of a cloud that failed, and what was said of it."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    for line in text.splitlines():
        event = _event(line).get("diagnosticEvent") or {}
        if event.get("severity") == "error" and event.get("urn"):
            *_, kinds, name = event["urn"].split("::")
            if kinds.rpartition("$")[2].startswith(_CLOUDS):
                yield name, _COLOUR.sub("", event["message"])


def _event(line: str) -> dict[str, Any]:
    """Return an event; nothing where Pulumi was killed while it wrote it."""
    with suppress(ValueError):
        return dict(json.loads(line))
    return {}


def _listed(names: list[str]) -> str:
    """Return names in a line that stays short."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
