"""The administrator's view of the pupils' realm, as the identity host itself has it."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.lab.laboratory import Lab

# Asks Keycloak's own interface with method, path and body; the role's client knows how.
_PROGRAM = """
import json, re, sys
sys.dont_write_bytecode = True
sys.path.insert(0, "/opt/klokken/identity")
from realm import Realm
settings = open("/etc/keycloak/keycloak.conf").read()
password = re.search("bootstrap-admin-password=(.*)", settings)[1]
realm = Realm("http://127.0.0.1:8080", "skole", password)
print(json.dumps(realm._call(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))))
"""


def ask(lab: Lab, method: str, path: str, body: Any = None) -> Any:
    """Return what the realm answers to a request of its administrator."""
    argv = ["python3", "-c", _PROGRAM, method, path, json.dumps(body)]
    return json.loads(lab.ssh("identity1", shlex.join(argv)))
