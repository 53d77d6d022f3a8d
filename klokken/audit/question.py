"""What the reader is asked for, and having it read on the load generator's host."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from klokken.document import Document
from klokken.errors import InputError, MachineError
from klokken.loadgen import CA_FILE, PASSWORD_FILE
from klokken.remote import Remote
from klokken.results import Whole
from klokken.topology import Tier

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TextIO

    from klokken.inventory import Inventory
    from klokken.writes import Write

READER = Path(__file__).with_name("reader.py")
# Runs what comes first on standard input, its length before it; the rest is for the program.
BOOTSTRAP = "import sys; p = sys.stdin.buffer; exec(p.read(int(p.readline())))"
# Seconds for which one answer is asked for again: twice what a service may take to come back.
PATIENCE = 60.0
# Seconds for the whole, and for each pupil of it on top: a login costs about 50 ms of CPU.
LIMIT, LIMIT_EACH = 300.0, 1.0
# The reader keeps its own limit, give or take the answers under way; beyond this it hangs.
GRACE = 120.0
THREADS = 4


class Found(Document):
    """What the reader says of one document; see `reader`."""

    username: str
    path: str
    status: int
    sha256: str | None
    size: Whole
    etag: str
    modified: str
    copies: list[str]
    cause: str


@dataclass(frozen=True, slots=True)
class Site:
    """Where the reader logs in and reads, and what it trusts."""

    domain: str
    realm: str = "skole"
    client: str = "drive"
    ca: str = CA_FILE
    password_file: str = PASSWORD_FILE

    def question(self, writes: Iterable[Write]) -> dict[str, Any]:
        """Return what to ask the reader for: every document of `writes`, pupil by pupil."""
        pupils: dict[tuple[str, int], set[str]] = {}
        for write in writes:
            pupils.setdefault((write.username, write.cell), set()).add(write.path)
        return {
            "login": f"login.{self.domain}",
            "realm": self.realm,
            "client": self.client,
            "ca": self.ca,
            "password_file": self.password_file,
            "threads": THREADS,
            "patience": PATIENCE,
            "limit": LIMIT + LIMIT_EACH * len(pupils),
            "pupils": [
                {"username": name, "host": f"drive{cell}.{self.domain}", "paths": sorted(paths)}
                for (name, cell), paths in sorted(pupils.items())
            ],
        }


def ask(inventory: Inventory, question: dict[str, Any], out: TextIO) -> list[Found]:
    """Have the documents read by the load generator's host; progress goes to `out`.

    Raises MachineError where the reader did not do its part.
    """
    hosts = Remote.of(inventory, Tier.LOADGEN)
    if not hosts:
        raise InputError("inventory", "loadgen", "has no host", "give the tier one")
    program = READER.read_bytes()
    given = b"%d\n%b%b" % (len(program), program, json.dumps(question).encode())
    timeout = float(question["limit"]) + GRACE
    lines = hosts[0].lines(
        ["python3", "-I", "-c", BOOTSTRAP], given=given, timeout=timeout, root=True
    )
    wanted = sum(len(pupil["paths"]) for pupil in question["pupils"])
    return list(_shown(_found(lines, hosts[0].name), wanted, out))


def _found(lines: Iterable[str], host: str) -> Iterator[Found]:
    for line in lines:
        try:
            yield Found.model_validate_json(line)
        except ValidationError:
            raise MachineError(f"{host}: the reader says {line.strip()[:80]!r}") from None


def _shown(found: Iterable[Found], wanted: int, out: TextIO) -> Iterator[Found]:
    """Pass on what was found and say how far it is: the same line on a terminal, else at times."""
    every = 1.0 if out.isatty() else 10.0
    last, count = time.monotonic(), 0
    for count, document in enumerate(found, 1):
        yield document
        if time.monotonic() - last >= every:
            last = time.monotonic()
            out.write(_progress(count, wanted, out))
            out.flush()
    out.write(_progress(count, wanted, out) + ("\n" if out.isatty() else ""))


def _progress(count: int, wanted: int, out: TextIO) -> str:
    text = f"audit: {count} of {wanted} documents read"
    return f"\r\x1b[K{text}" if out.isatty() else text + "\n"
