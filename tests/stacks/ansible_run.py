"""What Pulumi is told of one run of Ansible."""

from __future__ import annotations

RUN = {
    "stack": "here",
    "tier": "edge",
    "inventory": "all: {}",
    "instances": {"edge1": "a1"},
    "sources": "f00",
    "secrets": {"site_secret_ca_key": "k"},
    "revision": 1,
    "gate": None,
}
