"""An authoritative name server on loopback, over TCP, which takes signed updates of TXT records.

Every name of its zone is at 127.0.0.1. What an update must have (RFC 2136) and how it must be
signed (RFC 8945) is required here as BIND does.
"""

from __future__ import annotations

import math
import socketserver
import time
from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING

import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.tsig
import dns.tsigkeyring
import dns.update

from tests.serving import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

IN, ANY, NONE = dns.rdataclass.IN, dns.rdataclass.ANY, dns.rdataclass.NONE
SOA = "ns.{zone} hostmaster.{zone} 1 3600 600 86400 60"


class NameServer:
    """One zone. Who signs with one of `keys`, names and secrets in base64, may change it."""

    def __init__(self, zone: str, keys: dict[str, str] | None = None) -> None:
        self.zone = dns.name.from_text(zone)
        self.keyring = dns.tsigkeyring.from_text(keys or {})
        self.held: dict[dns.name.Name, set[dns.rdata.Rdata]] = defaultdict(set)
        # The most values that a name has had at once.
        self.most: dict[str, int] = {}
        # How often it will say which texts a name has.
        self.tells = math.inf
        # Names that none of the keys may change.
        self.locked: set[str] = set()

    def reply(self, wire: bytes) -> bytes:
        """Return what is answered to a message."""
        try:
            asked = dns.message.from_wire(wire, keyring=self.keyring)
        except dns.message.UnknownTSIGKey:
            return _unsigned(wire, dns.rcode.BADKEY)
        except dns.tsig.BadSignature:
            return _unsigned(wire, dns.rcode.BADSIG)
        answer = dns.message.make_response(asked)
        if isinstance(asked, dns.update.UpdateMessage):
            answer.set_rcode(self._update(asked))
        else:
            self._query(asked, answer)
        return answer.to_wire()

    def _query(self, asked: dns.message.Message, answer: dns.message.Message) -> None:
        name, kind = asked.question[0].name, asked.question[0].rdtype
        if not name.is_subdomain(self.zone):
            answer.set_rcode(dns.rcode.REFUSED)
            return
        answer.flags |= dns.flags.AA
        found: list[str] = []
        if kind == dns.rdatatype.A:
            found = ["127.0.0.1"]
        elif kind == dns.rdatatype.SOA and name == self.zone:
            found = [SOA.format(zone=self.zone)]
        elif kind == dns.rdatatype.TXT and self.tells:
            self.tells -= 1
            found = [data.to_text() for data in self.held.get(name, ())]
        if found:
            answer.answer.append(dns.rrset.from_text(name, 60, IN, kind, *found))

    def _update(self, asked: dns.update.UpdateMessage) -> dns.rcode.Rcode:
        if not asked.had_tsig:
            return dns.rcode.REFUSED
        if asked.zone[0].name != self.zone:
            return dns.rcode.NOTAUTH
        if (refused := self._prerequisite(asked)) != dns.rcode.NOERROR:
            return refused
        if any(_text(change.name) in self.locked for change in asked.update):
            return dns.rcode.REFUSED
        for change in asked.update:
            held = self.held[change.name]
            if change.deleting == ANY:
                held.clear()
            elif change.deleting == NONE:
                held -= set(change)
            else:
                held |= set(change)
                name = _text(change.name)
                self.most[name] = max(len(held), self.most.get(name, 0))
        return dns.rcode.NOERROR

    def _prerequisite(self, asked: dns.update.UpdateMessage) -> dns.rcode.Rcode:
        """Return whether what an update says of the zone is so (RFC 2136, 3.2)."""
        exactly: dict[dns.name.Name, set[dns.rdata.Rdata]] = defaultdict(set)
        for said in asked.prerequisite:
            held = self.held.get(said.name)
            if said.deleting == NONE and held:
                return dns.rcode.YXRRSET
            if said.deleting == ANY and not held:
                return dns.rcode.NXRRSET
            exactly[said.name] |= set(said)
        differs = [name for name, data in exactly.items() if data and self.held[name] != data]
        return dns.rcode.NXRRSET if differs else dns.rcode.NOERROR

    def texts(self) -> set[str]:
        """Return the names that have records."""
        return {_text(name) for name, data in self.held.items() if data}


def _text(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True)


def _unsigned(wire: bytes, error: dns.rcode.Rcode) -> bytes:
    """Return the answer to a message that is signed with none of the keys (RFC 8945, 5.2)."""
    asked = dns.message.from_wire(wire, keyring=lambda _message, _name: False)
    answer = dns.message.make_response(asked)
    answer.set_rcode(dns.rcode.NOTAUTH)
    what = dns.rcode.to_text(error, tsig=True)
    text = f'{asked.keyalgorithm} {int(time.time())} 300 0 "" {asked.id} {what} 0'
    told = dns.rdata.from_text(ANY, dns.rdatatype.TSIG, text)
    assert asked.keyname
    answer.tsig = dns.rrset.from_rdata(asked.keyname, 0, told)
    return answer.to_wire()


@contextmanager
def answering(server: NameServer) -> Iterator[int]:
    """Have it answer; give its port."""

    class Asked(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while length := int.from_bytes(self.rfile.read(2)):
                reply = server.reply(self.rfile.read(length))
                self.wfile.write(len(reply).to_bytes(2) + reply)

    with serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Asked)) as port:
        yield port
