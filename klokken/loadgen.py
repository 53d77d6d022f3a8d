"""What a load generator's host has, and where; the role `loadgen` puts it there."""

CODE = "/opt/klokken/code"
PYTHON = "/opt/klokken/venv/bin/python"
CA_FILE = "/etc/klokken/tls/ca.pem"
PASSWORD_FILE = "/etc/klokken/credentials/pupils"  # noqa: S105 - where it is, not what it is
