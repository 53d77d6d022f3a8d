"""What a tier takes beside cores: memory, connections, disk and network."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from klokken.capacity.ranged import Ranged
from klokken.document import Document
from klokken.figure import Figure, Positive

Amount = Annotated[float, Field(ge=0, le=1e9, strict=True, allow_inf_nan=False)]


class Quantity(Ranged[Amount]):
    """An amount, in the unit that its field's name ends with."""


class Resources(Document):
    """What the hosts of one tier take, and what one of them may hold. Each figure may be missing.

    A visit is one request at the tier; kB, MB and GB are powers of 1000.
    """

    # Memory of a host on which nobody is; for each pupil of the site, whom the hosts share among
    # them; and for each connection that a host holds open.
    memory_gb: Quantity | None = None
    session_kb: Quantity | None = None
    connection_kb: Quantity | None = None
    # How long a pupil's connection stays open, and how many a host may hold.
    connection_seconds: Quantity | None = None
    connections_most: Figure[Positive] | None = None
    # How many connections each host of the tier holds open to the database.
    pool: Figure[Positive] | None = None
    # What a visit sends, and how often it writes to the disk.
    visit_kb: Quantity | None = None
    visit_writes: Quantity | None = None
    # How long it takes until a host that stands by does the work of one that died.
    takeover_seconds: Quantity | None = None
    # What is kept of each pupil on the disk.
    pupil_mb: Quantity | None = None
