"""Whether pupils' browsers will trust the edge, and for how long."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from klokken import acme
from klokken.doctor import records
from klokken.doctor.findings import Finding, judged
from klokken.doctor.names import NOBODYS, names_of
from klokken.topology import Tier

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from klokken.topology import Topology

# A certificate with fewer days left is to be renewed before the site is counted on.
LEAST_DAYS = 30
# Seconds that an authority has to answer.
PATIENCE = 15
FILES = "certificate_files"


def examine(site: Topology, today: date, dns_key: str | None = None) -> list[Finding]:
    """Look at where the edge's certificate comes from, by the role variables of its tier.

    `dns_key` is what the site's name server knows, where there is one that is told of records.
    """
    variables = site.tiers[Tier.EDGE].variables
    files: Any = variables.get(FILES) or {}
    if files:
        return judged("certificate", _of_files(files, site, today), "valid for every name")
    given: Any = variables.get(acme.VARIABLE) or {}
    if given:
        challenge = given.get("challenge", "http-01")
        text = f"by ACME from {given.get('directory')}, which answers; challenge {challenge}"
        problems = [*_of_acme(str(given.get("directory", ""))), *_of_dns(site, dns_key)]
        return judged("certificate", problems, text)
    own = "of the stack's own authority, which pupils' machines do not trust"
    if site.domain.rpartition(".")[2] in NOBODYS:
        return [Finding(topic="certificate", ready=True, text=own)]
    mend = f"set `{FILES}` or `{acme.VARIABLE}` in `tiers.edge.variables`, as docs/sites.md says"
    return [Finding(topic="certificate", ready=False, text=f"{own}; {mend}")]


def _of_acme(directory: str) -> Iterator[str]:
    """Yield why nobody there can be asked for a certificate. Nothing is ordered by asking."""
    field = "certificate_acme.directory"
    if not directory.startswith("https://"):
        yield f"{field}: {directory!r} is not https; give the authority's directory"
        return
    try:
        with urlopen(directory, timeout=PATIENCE) as reply:  # noqa: S310 - https, by the line above
            found = json.load(reply)
    except (OSError, ValueError) as error:
        mend = "correct it, or see whether this machine may reach it"
        yield f"{field}: {directory} does not answer as an authority ({error}); {mend}"
        return
    # RFC 8555, 7.1.1.
    if not isinstance(found, dict) or "newOrder" not in found:
        yield f"{field}: {directory} is no directory of ACME; correct it"


def _of_dns(site: Topology, key: str | None) -> Iterator[str]:
    """Yield why an authority that asks the site's DNS would ask in vain."""
    server = acme.name_server(site)
    if server:
        yield from records.problems(server, key)


def _of_files(files: Any, site: Topology, today: date) -> Iterator[str]:
    """Yield what is wrong with a certificate and key in files of this machine."""
    for name in ("certificate", "key"):
        path = Path(str(files.get(name, "")))
        if not path.is_file():
            yield f"{FILES}.{name}: there is no file {path}; correct the path"
            return
    path = Path(files["certificate"])
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        alternative = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (ValueError, x509.ExtensionNotFound) as error:
        yield f"{path}: no certificate with names ({error}); give one in PEM"
        return
    for_names = alternative.value.get_values_for_type(x509.DNSName)
    if lacks := [name for name in names_of(site) if not _covers(for_names, name)]:
        yield f"{path}: is not for {', '.join(lacks)}; have one issued for every name"
    yield from _of_key(Path(files["key"]), certificate)
    begins = certificate.not_valid_before_utc.date()
    if begins > today:
        yield f"{path}: begins on {begins}; wait for that day, or have one issued that is valid now"
    ends = certificate.not_valid_after_utc.date()
    if (ends - today).days < LEAST_DAYS:
        yield f"{path}: ends on {ends}; have it renewed"


def _of_key(path: Path, certificate: x509.Certificate) -> Iterator[str]:
    """Yield why the edge could not serve a certificate with the key in a file."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (TypeError, ValueError, UnsupportedAlgorithm):
        yield f"{path}: no private key in PEM without a passphrase; give one"
        return
    if key.public_key() != certificate.public_key():
        yield f"{path}: is not the key of {FILES}.certificate; give that one"


def _covers(for_names: list[str], name: str) -> bool:
    """Say whether a name is among those of a certificate, itself or by a wildcard (RFC 6125)."""
    return name in for_names or f"*.{name.partition('.')[2]}" in for_names
