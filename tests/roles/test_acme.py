"""A certificate of a public authority for the edge, issued by a real ACME server on loopback.

The role's own tasks run here, in a mount namespace that has an /etc of its own.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from klokken.paths import PROJECT
from klokken.secrets import make_secrets
from tests.roles.authority import PEBBLE, Edge, authority

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
NAMES = ["login.skole.example", "portal.skole.example", "drive1.skole.example"]
# Runs a playbook twice, or as often as there are words, and keeps what it left.
RUN = """
set -e
mkdir -p over && mount -t tmpfs tmpfs over && mkdir over/upper over/work
mount -t overlay overlay -o lowerdir=/etc,upperdir=over/upper,workdir=over/work /etc
rm -rf /etc/klokken && mkdir -p /etc/klokken/tls
[ ! -e kept ] || cp kept/* /etc/klokken/tls
status=0; ansible-playbook -i hosts.yml "$1" || status=$?
mkdir -p kept && cp /etc/klokken/tls/* kept
exit $status
"""


def playbook(*steps: str) -> list[dict[str, Any]]:
    """Return the steps of the role `certificate`, for the edge."""
    roles = [{"ansible.builtin.include_role": {"name": "certificate", "tasks_from": step}}
             for step in steps]  # fmt: skip
    return [{"hosts": "edge", "gather_facts": False, "tasks": roles,
             "vars": {"certificate_found": {"matched": 0}}}]  # fmt: skip


class Site:
    """A host of the tier edge that is this machine."""

    def __init__(self, folder: Path, directory: str, trusted: Path) -> None:
        self.folder, self.trusted = folder, trusted
        self.secrets = make_secrets()
        variables = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "site_domain": "skole.example",
            "certificate_acme": {"directory": directory, "contact": "drift@skole.example"},
            **{f"site_secret_{name}": value for name, value in self.secrets.items()},
        }
        groups: dict[str, Any] = {
            "edge": {"hosts": {"edge1": {}}},
            "drive": {"hosts": {"drive1": {}}},
        }
        inventory = {"all": {"vars": variables, "children": groups}}
        (self.folder / "hosts.yml").write_text(yaml.safe_dump(inventory))

    def run(self, *steps: str) -> subprocess.CompletedProcess[str]:
        """Run steps of the role; what it leaves is there for the next ones."""
        (self.folder / "site.yml").write_text(yaml.safe_dump(playbook(*steps)))
        folder = Path(sys.executable).parent
        environment = os.environ | {
            "PATH": f"{folder}:{os.environ['PATH']}",
            "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"),
            "ANSIBLE_ROLES_PATH": str(PROJECT / "roles"),
            "SSL_CERT_FILE": str(self.trusted),
            "NO_COLOR": "1",
        }
        return subprocess.run(
            ["unshare", "--mount", "sh", "-c", RUN, "sh", "site.yml"],
            cwd=self.folder, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def certificate(self) -> x509.Certificate:
        """Return the certificate that the edge would serve."""
        return x509.load_pem_x509_certificate((self.folder / "kept/fullchain.pem").read_bytes())


def names(certificate: x509.Certificate) -> list[str]:
    alternative = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return alternative.value.get_values_for_type(x509.DNSName)


class Answering(Edge):
    """The edge of this test."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Have an authority, and an edge with the first certificate, of the site's own authority."""
    assert os.geteuid() == 0, "an /etc of one's own needs root: run the tests as root"
    assert PEBBLE.exists(), "no Pebble here: run `make setup-test`"
    assert shutil.which("unshare"), "no unshare here: run `make setup-test`"
    folder = tmp_path_factory.mktemp("acme")
    Answering.asked = []
    with authority(folder, Answering) as (directory, trusted):
        found = Site(folder, directory, trusted)
        Answering.thumbprint = found.secrets["acme_thumbprint"]
        yield found


def test_an_edge_that_nobody_finds_is_told_so_and_keeps_its_first_certificate(site: Site) -> None:
    Answering.thumbprint = "of-somebody-else"
    done = site.run("authority", "acme")
    Answering.thumbprint = site.secrets["acme_thumbprint"]
    assert done.returncode != 0
    said = " ".join(done.stdout.split())
    assert re.search(r"port 80 of login\.skole\.example, .* must lead to the edge", said)
    assert names(site.certificate()) == ["edge1", *NAMES]
    assert site.secrets["acme_key"].splitlines()[1] not in done.stdout


def test_a_public_authority_issues_it_for_the_public_names(site: Site) -> None:
    done = site.run("acme")
    assert done.returncode == 0, done.stdout
    issued = site.certificate()
    assert sorted(names(issued)) == sorted(NAMES)
    assert "Pebble" in issued.issuer.rfc4514_string()
    key = load_pem_private_key((site.folder / "kept/key.pem").read_bytes(), None)
    assert key.public_key() == issued.public_key()
    assert (
        len(x509.load_pem_x509_certificates((site.folder / "kept/fullchain.pem").read_bytes())) > 1
    )
    assert all(path.startswith("/.well-known/acme-challenge/") for path in Answering.asked)


def test_one_that_is_valid_for_long_is_not_asked_for_again(site: Site) -> None:
    before = site.certificate().serial_number
    done = site.run("acme")
    assert "changed=0" in done.stdout
    assert site.certificate().serial_number == before
