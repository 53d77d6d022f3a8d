"""Klokken's engine before a site that answers every login alike.

A recorded token holds one nonce and one name, which are put in the place of the pupil's own just
where the token is checked; and logins come at even distances, as k6's do. All else is the
product's: what is sent, read and checked.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.generator.case import Case, evenly
from klokken.storm import attendance
from loadtests import answers, journeys

# Before the engine, which is imported by this, takes it from there.
attendance.attendance = evenly

from loadtests.locustfile import Pupils  # noqa: E402

if TYPE_CHECKING:
    from loadtests.answers import Tokens
    from loadtests.requests import Response, Secrets, Site

__all__ = ["Pupils"]

_LOGIN = Case.model_validate_json(Path(os.environ["BENCHMARK_CASE"]).read_text()).login
_checked = answers.tokens


def _recorded(response: Response, site: Site, mine: Secrets, username: str, now: float) -> Tokens:
    mine = replace(mine, nonce=_LOGIN.nonce or mine.nonce)
    return _checked(response, site, mine, _LOGIN.username or username, now)


answers.tokens = _recorded
assert "login" in journeys.JOURNEYS  # noqa: S101 - the one that reads `answers.tokens`
