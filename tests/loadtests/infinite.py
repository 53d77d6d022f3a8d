"""A drive cell in memory that gives ownCloud Infinite Scale's answers, for tests."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, unquote
from xml.sax.saxutils import escape

from loadtests.requests import Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable

SPACES = "/dav/spaces/"
FILE = """<d:response><d:href>{href}</d:href><d:propstat><d:prop><d:resourcetype/>
<d:getcontentlength>{size}</d:getcontentlength><d:getetag>&quot;{etag}&quot;</d:getetag>
</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>"""
FOLDER = """<d:response><d:href>{href}/</d:href><d:propstat><d:prop>
<d:resourcetype><d:collection/></d:resourcetype><d:getetag>&quot;f&quot;</d:getetag></d:prop>
<d:status>HTTP/1.1 200 OK</d:status></d:propstat><d:propstat><d:prop><d:getcontentlength/></d:prop>
<d:status>HTTP/1.1 404 Not Found</d:status></d:propstat></d:response>"""


@dataclass
class Cell:
    """One cell: everybody's documents by path, each with its ETag.

    `user` tells whose token one is. A person's first request makes the account.
    """

    user: Callable[[str], str | None]
    documents: dict[tuple[str, str], tuple[bytes, str]] = field(default_factory=dict)
    accounts: set[str] = field(default_factory=set)
    folders: set[tuple[str, str]] = field(default_factory=set)
    # What is shared, with whom, and whether it was taken; the identity is its number.
    shares: list[list[Any]] = field(default_factory=list)
    _etags: int = 0

    def give(self, user: str, path: str, body: bytes) -> None:
        """Store a document as its owner would."""
        self._etags += 1
        self.documents[user, path] = (body, f"e{self._etags}")

    def answer(self, request: Request) -> Response:
        """Answer a request by whoever its token belongs to."""
        headers = dict(request.headers)
        user = self.user(headers.get("Authorization", "").removeprefix("Bearer "))
        if user is None:
            return Response(401)
        if request.target.startswith("/graph/"):
            return self._drives(user)
        if request.target.startswith("/ocs/"):
            return self._shares(user, request)
        return self._dav(user, request)

    def _dav(self, user: str, request: Request) -> Response:
        if user not in self.accounts or not request.target.startswith(f"{SPACES}s$d!{user}"):
            return Response(404)
        path = unquote(request.target.removeprefix(f"{SPACES}s$d!{user}")).strip("/")
        match request.method:
            case "PROPFIND":
                return self._properties(user, path, deep=dict(request.headers)["Depth"] == "1")
            case "MKCOL":
                new = (user, path) not in self.folders
                self.folders.add((user, path))
                return Response(201 if new else 405)
            case "PUT":
                return self._put(user, path, request.body, dict(request.headers).get("If-Match"))
            case _:
                found = self.documents.get((user, path))
                return Response(200, found[0], etag=found[1]) if found else Response(404)

    def _drives(self, user: str) -> Response:
        self.accounts.add(user)
        used = sum(len(body) for (who, _), (body, _) in self.documents.items() if who == user)
        space = {
            "id": f"s$d!{user}",
            "root": {"webDavUrl": f"https://cell{SPACES}s$d!{user}"},
            "quota": {"used": used},
        }
        return Response(200, json.dumps({"value": [space]}).encode())

    def _shares(self, user: str, request: Request) -> Response:
        """Answer the sharing API."""
        path, _, query = request.target.partition("?")
        if request.method == "GET":
            folder = parse_qs(query)["path"][0]
            data: Any = [
                {"share_with": w} for o, f, w, _ in self.shares if (o, f) == (user, folder)
            ]
        elif "/pending/" in path:
            share = self.shares[int(path.rpartition("/")[2])]
            if share[2] != user:
                return Response(404)
            share[3] = True
            data = []
        else:
            form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
            if form["shareWith"] not in self.accounts:
                return Response(404)
            self.shares.append([user, form["path"], form["shareWith"], False])
            data = {"id": str(len(self.shares) - 1)}
        return Response(200, json.dumps({"ocs": {"data": data}}).encode())

    def _put(self, user: str, path: str, body: bytes, expected: str | None) -> Response:
        there = self.documents.get((user, path))
        if expected is not None and (there is None or expected != f'"{there[1]}"'):
            return Response(409)
        self.give(user, path, body)
        return Response(204 if there else 201, etag=self.documents[user, path][1])

    def _properties(self, user: str, path: str, *, deep: bool) -> Response:
        mine = {p: found for (who, p), found in self.documents.items() if who == user}
        inside = path + "/" if path else ""
        below = {p: p.removeprefix(inside) for p in mine if p.startswith(inside)}
        if path in mine:
            shown = [_file(user, path, *mine[path])]
        elif below or not path or (user, path) in self.folders:
            shown = [_folder(user, path)]
            if deep:
                shown += [_file(user, p, *mine[p]) for p, rest in below.items() if "/" not in rest]
                folders = sorted({r.partition("/")[0] for r in below.values() if "/" in r})
                shown += [_folder(user, inside + name) for name in folders]
        else:
            return Response(404)
        text = f'<d:multistatus xmlns:d="DAV:">{"".join(shown)}</d:multistatus>'
        return Response(207, text.encode())


def _href(user: str, path: str) -> str:
    return escape(f"{SPACES}{quote(f's$d!{user}')}/{quote(path)}").rstrip("/")


def _file(user: str, path: str, body: bytes, etag: str) -> str:
    return FILE.format(href=_href(user, path), size=len(body), etag=etag)


def _folder(user: str, path: str) -> str:
    return FOLDER.format(href=_href(user, path))
