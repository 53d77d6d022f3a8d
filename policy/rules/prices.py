"""What things cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from klokken.clouds.settings import unpriced

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policy.seen import Seen

HETZNER_SERVER = "hcloud:index/server:Server"
OPENSTACK_SERVER = "openstack:compute/instance:Instance"


def has_a_price(seen: Seen) -> Iterator[str]:
    """No server is of a type that has no entry in the price list.

    One that is no longer sold has, and whoever is of it stays: that no other is ordered, the
    stack's config and the cloud see to.
    """
    problem = ""
    if seen.type == HETZNER_SERVER:
        problem = unpriced("hetzner", str(seen.props.get("serverType")))
    elif seen.type == OPENSTACK_SERVER:
        labels = seen.labels
        if "cloud" not in labels or "kind" not in labels:
            problem = "its metadata does not say which `kind` of which `cloud`'s price list it is"
        else:
            problem = unpriced(labels["cloud"], labels["kind"])
    if problem:
        yield f"{problem}; choose another, or write down what it costs"
