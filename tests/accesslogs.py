"""Access logs of mornings that never were, for tests that need some."""

from __future__ import annotations

from datetime import date, timedelta
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FORM = "/realms/skole/login-actions/authenticate"
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
FRIDAY = date(2025, 11, 21)

# What HAProxy's formats begin with: client, moment, where it went, timers, status, bytes.
_BEGIN = (
    "{client}:{port} [{day}:{clock}.655] {front} {back}/{server} 10/0/30/69/{active}"
    " {status} {size}"
)
# As HAProxy's manual explains `option httplog` and `option httpslog`.
STANDARD = _BEGIN + (
    ' - - {state} 1/1/1/1/{retries} 0/0 {{login.skole.dk}} {{}} "{method} {target} HTTP/1.1"'
)
SECURE = STANDARD + " 0/0000000000000000/0/0/0 -/TLSv1.3/TLS_AES_128_GCM_SHA256"
# As the role `edge` has it, against whose template a test holds this.
OURS = _BEGIN + (
    " {state} 1/1/1/1/{retries} 0/0 {method} {path} HTTP/1.1 TLSv1.3 TLS_AES_128_GCM_SHA256 X25519"
)
PLAIN = '{client} - {user} [{day}:{clock} +0100] "{method} {target} HTTP/2.0" {status} {size}'
COMBINED = PLAIN + ' "https://portal.skole.dk/" "Mozilla/5.0 [en] (\\"X11\\")"'
HOSTED = "login.skole.dk:443 " + COMBINED


def line(form: str, fields: Mapping[str, Any]) -> bytes:
    """Return a line of a log in the format `form`."""
    on, second = fields["on"], fields["second"]
    return form.format(
        **fields,
        day=f"{on.day:02d}/{MONTHS[on.month - 1]}/{on.year:04d}",
        clock=f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}",
        target=fields["host"] + fields["path"] + fields["query"],
    ).encode()


def log(
    counts: Mapping[int, int], form: str = OURS, days: int = 1, path: str = FORM
) -> Iterator[bytes]:
    """Yield the lines of so many logins by minute of the day, each with the login page before."""
    fields = {"port": 4, "front": "https~", "back": "identity", "server": "kc1", "active": "109",
              "retries": 0, "status": 302, "size": 7, "state": "----", "user": "anna", "host": "",
              "query": ""}  # fmt: skip
    for day in range(days):
        for minute, count in counts.items():
            for n in range(count):
                client, second = str(IPv4Address(0x0A000000 + n)), minute * 60 + n % 60
                of = fields | {"client": client, "on": FRIDAY + timedelta(day), "second": second}
                yield line(form, of | {"method": "GET", "path": "/realms/skole/auth"}) + b"\n"
                yield line(form, of | {"method": "POST", "path": path}) + b"\n"
