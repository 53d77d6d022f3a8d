from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klokken.accesslog.formats import READERS, Request, common, haproxy
from klokken.paths import PROJECT
from tests.accesslogs import COMBINED, FRIDAY, HOSTED, OURS, PLAIN, SECURE, STANDARD, line

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIXES = (
    "",
    "Nov 21 08:00:00 edge1 haproxy[523]: ",
    "2025-11-21T08:00:00.123456+01:00 edge1 haproxy[523]: ",
    "<134>Nov 21 08:00:00 haproxy[523]: ",
    "<134>1 2025-11-21T08:00:00Z edge1 haproxy 523 - - ",
)
TOKEN = st.text("abcdefghijklmnopqrstuvwxyz0123456789._~-", min_size=1, max_size=12)
FIELDS = st.fixed_dictionaries(
    {
        "client": st.ip_addresses().map(str),
        "port": st.integers(1, 65535),
        "front": st.sampled_from(["https", "https~", "http-in"]),
        "back": TOKEN,
        "server": st.sampled_from(["kc1", "<NOSRV>", "<STATS>"]),
        "active": st.sampled_from(["109", "+109", "-1"]),
        "retries": st.sampled_from(["0", "+1"]),
        "status": st.integers(100, 599),
        "size": st.integers(0, 10**9),
        "state": st.sampled_from(["----", "SC--", "--NI", "PR--"]),
        "user": st.sampled_from(["-", "anna", "anna b"]),
        "method": st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
        "path": st.lists(TOKEN, max_size=4).map(lambda parts: "/" + "/".join(parts)),
        "query": st.sampled_from(["", "?", "?session_code=a/b&c=https://x.y/z?"]),
        "host": st.sampled_from(["", "https://login.skole.dk"]),
        "on": st.dates(date(1970, 1, 1)),
        "second": st.integers(0, 86_399),
    }
)


def request(fields: Mapping[str, Any]) -> Request:
    """Return what should be read in such a line."""
    minute = fields["second"] // 60
    return Request(fields["on"], minute, fields["method"].encode(), fields["path"].encode())


@given(FIELDS, st.sampled_from([STANDARD, SECURE, OURS]), st.sampled_from(PREFIXES))
def test_haproxys_lines_are_read_with_and_without_what_syslog_puts_in_front(
    fields: dict[str, Any], form: str, prefix: str
) -> None:
    text = prefix.encode() + line(form, fields)
    assert haproxy(text) == request(fields)
    assert common(text) is None


@given(FIELDS, st.sampled_from([PLAIN, COMBINED, HOSTED]))
def test_lines_of_the_common_and_combined_formats_are_read(
    fields: dict[str, Any], form: str
) -> None:
    text = line(form, fields)
    assert common(text) == request(fields)
    assert haproxy(text) is None


@given(st.binary() | FIELDS.map(lambda f: line(STANDARD, f)).flatmap(
    lambda text: st.integers(0, len(text)).map(lambda end: text[:end])))  # fmt: skip
def test_no_line_at_all_can_end_the_reading(text: bytes) -> None:
    for read in READERS.values():
        found = read(text)
        assert found is None or 0 <= found.minute < 1440


NOBODY = b"10.0.0.1:4 [21/Nov/2025:08:00:00.832] https https/<NOSRV> -1/-1/-1/-1/0 400 0"


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (haproxy, b"10.0.0.1:4 [21/Nov/2025:08:00:00.832] https/1: SSL handshake failure"),
        (haproxy, NOBODY + b' - - PR-- 1/1/0/0/0 0/0 "<BADREQ>"'),
        (haproxy, NOBODY + b" PR-- 1/1/0/0/0 0/0 <BADREQ> <BADREQ> <BADREQ> - - -"),
        (common, b'10.0.0.1 - - [21/Nov/2025:08:00:00 +0100] "-" 408 -'),
        (common, b'10.0.0.1 - - [21/Nov/2025:08:00:00 +0100] "\\x16\\x03 \\"x" 400 150 "-" "-"'),
    ],
)
def test_a_connection_without_a_request_is_read_and_is_nobody(read: Any, text: bytes) -> None:
    found = read(text)
    assert (found.day, found.minute) == (FRIDAY, 480)
    assert not found.path.startswith(b"/")


def test_the_edge_writes_the_format_that_is_read() -> None:
    template = PROJECT / "roles/edge/templates/etc/haproxy/haproxy.cfg.j2"
    (written,) = [t for t in template.read_text().splitlines() if "log-format" in t]
    filled = {
        "%ci:%cp": "{client}:{port}",
        "[%tr]": "[{day}:{clock}.655]",
        "%ft": "{front}",
        "%b/%s": "{back}/{server}",
        "%TR/%Tw/%Tc/%Tr/%Ta": "10/0/30/69/{active}",
        "%ST": "{status}",
        "%B": "{size}",
        "%tsc": "{state}",
        "%ac/%fc/%bc/%sc/%rc": "1/1/1/1/{retries}",
        "%sq/%bq": "0/0",
        "%HM": "{method}",
        "%HPO": "{path}",
        "%HV": "HTTP/1.1",
        "%sslv": "TLSv1.3",
        "%sslc": "TLS_AES_128_GCM_SHA256",
        "%[ssl_fc_curve]": "X25519",
    }
    assert " ".join(filled[word] for word in written.split('"')[1].split()) == OURS
