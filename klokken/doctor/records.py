"""Whether the site's name server would take the records of ACME's challenge dns-01."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.tsig
import dns.tsigkeyring

from klokken.workspace import DNS_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from ipaddress import IPv4Address

    from klokken.acme import NameServer

FIELD = "certificate_acme.dns"
# Seconds that a name server has to answer.
PATIENCE = 10


def problems(server: NameServer, key: str | None) -> Iterator[str]:
    """Yield why records would not get there. Nothing is changed by asking.

    A question that is signed shows whether the server knows the key; what the key may change,
    only the server's own settings say.
    """
    if key is None:
        yield f"{DNS_KEY}: missing; run `pulumi config set --secret {DNS_KEY}`"
    yield from _asked(server, server.server, f"{FIELD}.server", key)
    for each in server.secondaries:
        yield from _asked(server, each, f"{FIELD}.secondaries", None)


def _asked(server: NameServer, address: IPv4Address, field: str, key: str | None) -> Iterator[str]:
    """Yield why one name server does not answer for the zone."""
    question = dns.message.make_query(server.zone, dns.rdatatype.SOA)
    place = f"{field}: {address}"
    try:
        if key is not None:
            keyring = dns.tsigkeyring.from_text({server.key_name: key})
            question.use_tsig(keyring, algorithm=server.key_algorithm)
        reply = dns.query.tcp(question, str(address), timeout=PATIENCE, port=server.port)
    except ValueError:
        yield f"{DNS_KEY}: is not base64; set it again, as the name server has it"
    except (dns.tsig.BadTime, dns.tsig.PeerBadTime):
        yield f"{place} has another time than this machine; set the clocks"
    except (dns.tsig.PeerError, dns.tsig.BadSignature, dns.exception.FormError) as error:
        mend = f"correct `key_name`, `key_algorithm` and {DNS_KEY}"
        yield f"{place} does not know the key ({error}); {mend}"
    except (OSError, EOFError, dns.exception.DNSException) as error:
        mend = f"correct it, or let this machine reach it by TCP on port {server.port}"
        yield f"{place} does not answer ({error}); {mend}"
    else:
        if not (reply.answer and reply.flags & dns.flags.AA):
            code = dns.rcode.to_text(reply.rcode())
            yield f"{place} does not serve the zone {server.zone} ({code}); correct either"
