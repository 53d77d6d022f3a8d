"""An edge, or several, that are this machine: what the role `certificate` does for them.

The role's own tasks run in a mount namespace that has an /etc of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import ansible_mitogen
import yaml
from cryptography import x509

from klokken.paths import PROJECT
from klokken.secrets import make_secrets
from stacks.ansible.playbook import STRATEGIES
from tests.roles.authority import PEBBLE

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
    """Hosts of the tier edge that are this machine, one after another where there are several."""

    def __init__(self, folder: Path, trusted: Path, *edges: str, **variables: Any) -> None:
        self.folder, self.trusted, self.edges, self.variables = folder, trusted, edges, variables
        self.secrets = make_secrets()

    def run(self, *steps: str, **changed: Any) -> subprocess.CompletedProcess[str]:
        """Run steps of the role; what it leaves is there for the next ones.

        `changed` are variables that are others for once.
        """
        (self.folder / "site.yml").write_text(yaml.safe_dump(playbook(*steps)))
        (self.folder / "hosts.yml").write_text(yaml.safe_dump(self._inventory(changed)))
        folder = Path(sys.executable).parent
        environment = os.environ | {
            "PATH": f"{folder}:{os.environ['PATH']}",
            "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"),
            "ANSIBLE_ROLES_PATH": str(PROJECT / "roles"),
            "SSL_CERT_FILE": str(self.trusted),
            # As `up` runs it; but one after another, since several edges are the same machine.
            "ANSIBLE_STRATEGY": "mitogen_linear",
            "ANSIBLE_STRATEGY_PLUGINS": str(Path(ansible_mitogen.__file__).parent / STRATEGIES),
            "ANSIBLE_FORKS": "1",
            "NO_COLOR": "1",
        }
        return subprocess.run(
            ["unshare", "--mount", "sh", "-c", RUN, "sh", "site.yml"],
            cwd=self.folder, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def _inventory(self, changed: dict[str, Any]) -> dict[str, Any]:
        variables = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "site_domain": "skole.example",
            **{f"site_secret_{name}": value for name, value in self.secrets.items()},
            **self.variables,
            **changed,
        }
        groups: dict[str, Any] = {
            "edge": {"hosts": {edge: {} for edge in self.edges}},
            "drive": {"hosts": {"drive1": {}}},
        }
        return {"all": {"vars": variables, "children": groups}}

    def certificate(self) -> x509.Certificate:
        """Return the certificate that the edge would serve."""
        return x509.load_pem_x509_certificate((self.folder / "kept/fullchain.pem").read_bytes())


def names(certificate: x509.Certificate) -> list[str]:
    alternative = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return alternative.value.get_values_for_type(x509.DNSName)


def require_programs() -> None:
    """Fail where the tests of ACME cannot run."""
    assert os.geteuid() == 0, "an /etc of one's own needs root: run the tests as root"
    assert PEBBLE.exists(), "no Pebble here: run `make setup-test`"
    assert shutil.which("unshare"), "no unshare here: run `make setup-test`"
