"""The rules, by name. Each is a function from a resource to what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from policy.rules.disks import data_is_kept
from policy.rules.labels import owner_and_purpose
from policy.rules.places import within_the_eu
from policy.rules.ports import only_the_web_is_public
from policy.rules.prices import has_a_price
from policy.seen import Seen

Rule = Callable[[Seen], Iterator[str]]

RULES: dict[str, Rule] = {
    "data-is-kept": data_is_kept,
    "has-a-price": has_a_price,
    "only-the-web-is-public": only_the_web_is_public,
    "owner-and-purpose": owner_and_purpose,
    "within-the-eu": within_the_eu,
}
