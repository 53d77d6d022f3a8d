"""Requests to the API, each followed until what it started has ended."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

Json = dict[str, Any]
# What is worth asking again, and how often: as the real plugin does.
_PASSING = (409, 423, 429, 502)
_TRIES = 6
_PAUSE = 0.05


class Refused(Exception):  # noqa: N818 - what the API did
    """The API said no."""


class Gone(Refused):
    """There is no such thing."""


class Halfway(Refused):
    """A thing was made, and then something about it failed: its number, and what it adds."""

    def __init__(self, said: object, number: str, added: Json) -> None:
        """Keep what is known of the thing."""
        super().__init__(str(said))
        self.number = number
        self.added = added


class Client:
    """One project of one API."""

    def __init__(self, endpoint: str, token: str) -> None:
        """Ask `endpoint` with `token`."""
        self._endpoint = endpoint
        self._token = token

    def ask(self, method: str, path: str, body: Json | None = None) -> Json:
        """Return the answer, once the action that came with it has succeeded."""
        answer: Json = {}
        for tried in range(_TRIES):
            try:
                answer = self._once(method, path, body)
                break
            except HTTPError as error:
                said = json.load(error)["error"]
                if error.code == 404:
                    raise Gone(said["message"]) from None
                unique = said["code"] == "uniqueness_error"
                if error.code not in _PASSING or unique or tried == _TRIES - 1:
                    raise Refused(f"{said['message']} ({said['code']})") from None
                time.sleep(_PAUSE)
        return answer

    def finish(self, answer: Json) -> None:
        """Wait for the action of an answer; raise Refused where it fails."""
        action = answer.get("action")
        while action and action["status"] == "running":
            time.sleep(_PAUSE)
            action = self._once("GET", f"/actions/{action['id']}", None)["action"]
        if action and action["status"] == "error":
            raise Refused(f"{action['error']['message']} ({action['error']['code']})")

    def _once(self, method: str, path: str, body: Json | None) -> Json:
        request = Request(  # noqa: S310 - the double's own address
            self._endpoint + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._token}"},
        )
        with urlopen(request, timeout=30) as reply:  # noqa: S310 - likewise
            text = reply.read()
        return dict(json.loads(text)) if text else {}
