"""What a load generator's host has, and where; the role `loadgen` puts it there."""

# Whom storms run as.
ACCOUNT = "locust"
CODE = "/opt/klokken/code"
PYTHON = "/opt/klokken/venv/bin/python"
CA_FILE = "/etc/klokken/tls/trusted.pem"
PASSWORD_FILE = "/etc/klokken/credentials/pupils"  # noqa: S105 - where it is, not what it is
# Where a storm's plan and settings are while it lasts, and where its master writes.
RUNTIME = "/run/klokken"
RUNS = "/var/lib/klokken/runs"
MASTER = "klokken-master.service"
WEB_PORT = 8089


def worker(number: int) -> str:
    """Return the unit of a host's worker of this number, from 1."""
    return f"klokken-worker@{number}.service"
