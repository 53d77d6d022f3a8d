"""The log of logins: those who sign in while faults are made, and what came of it.

It is `logins.jsonl` in the folder of an exam that was broken, one `Login` a line.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from klokken.document import Document

NAME = "logins.jsonl"


class Login(Document):
    """One login from its first page to the tokens; times are Unix seconds.

    `cause` is empty where the tokens came.
    """

    pupil: Annotated[int, Field(ge=0)]
    sent: float
    ended: float
    cause: str
