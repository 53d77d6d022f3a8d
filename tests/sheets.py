"""A report of capacity to look at."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from klokken.capacity.drawing import panels, svg
from klokken.report.numbers import Two
from klokken.report.sheet import Drawing, Sheet, Table
from klokken.report.words import Figure


def drawing(name: str = "backlog", title: str = "How long a pupil waits") -> Drawing:
    figure, [axes] = panels([title])
    axes.plot([0, 1, 4], label="60 % of 40")
    return Drawing.of(name, Two("Kø", "Backlog"), "Seconds by the time of day.", svg(figure))


def sheet(**changes: Any) -> Sheet:
    """Return the report of a platform that was sized."""
    body: dict[str, Any] = {
        "title": Two("Hvor stor en platform: Danmark", "How large a platform: Denmark"),
        "when": Two("Regnet ud", "Reckoned"),
        "made": datetime(2026, 11, 22, tzinfo=UTC),
        "tone": "answer",
        "answer": Two("820 servere, 225.508 kr. om måneden", "820 hosts, 225,508 DKK a month"),
        "lead": Two("Så kommer alle 600.000 elever ind.", "Then all 600,000 pupils get in."),
        "meaning": Two("SIMULERET: ingen måling.", "SIMULATED: no measurement."),
        "notes": [Two("Alle tal er øvre ender.", "All figures are upper ends.")],
        "figures": [
            Figure(Two("kr. pr. elev", "DKK a pupil"), Two("0,38", "0.38"), Two("her", "here"))
        ],
        "drawings": [drawing(), drawing("cost", "What a month costs")],
        "tables": [
            Table(
                Two("Servere på hvert sted", "Hosts of each site"),
                ["tier", "hosts", "kind", "a column of many words", "EUR/month"],
                [["edge", "8", "CPX22", "x" * 90, "156"], ["drive", "180", "CPX22", "", "3,508"]],
                texts=(2,),
            )
        ],
        "record": "sizing.json",
    }
    return Sheet(**{**body, **changes})
