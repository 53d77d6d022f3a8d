"""What a person writes: texts that follow from the storm, the person and a number.

Every storm writes its own texts, so that what an earlier one left behind passes for nothing.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

_NUMBER = re.compile(rb"Klokken [^ \n]+ [0-9]+ [0-9]+ ([0-9]{1,9})\n")


@dataclass(frozen=True, slots=True)
class Work:
    """The texts of one person in one storm, `size` bytes each, none like another."""

    run: str
    seed: int
    person: int
    size: int

    def text(self, number: int) -> bytes:
        """Return the text of this number."""
        head = f"Klokken {self.run} {self.seed} {self.person} {number}\n".encode()
        length = max(0, self.size - len(head))
        body = hashlib.shake_256(head).hexdigest((length + 1) // 2).encode()
        return head + body[:length]

    def wrote(self, content: bytes) -> bool:
        """Return whether `content` is one of these texts."""
        head = _NUMBER.match(content)
        return head is not None and content == self.text(int(head[1]))
