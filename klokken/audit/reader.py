"""Reads pupils' documents back as a program of its own, and says what each of them is.

It shares no code with the load generator: the standard library alone, its own login, its own
requests. It is sent to a host that resolves the site's names and holds the pupils' password.

Standard input is one JSON object:
    login, realm, client    the login host, and the realm and client of it
    ca, password_file       files on this host
    threads                 how many pupils are read at once
    patience, limit         seconds for which one answer is asked for again, and for the whole
    pupils                  [{"username", "host" (of the cell), "paths": [...]}]
Standard output is one JSON object a document, as soon as it is known:
    username, path, status, sha256, size, etag, modified
                            of the document; status 404 and no sha256 where there is none
    copies                  names beside it that a conflict left
    cause                   why it could not be told, else empty
It ends at once when nobody reads its output any more.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import http.client
import json
import os
import secrets
import select
import ssl
import sys
import threading
import time
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import suppress
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

# A document is missing when this many answers in a row say so: a service that is still starting
# may say it once.
TIMES_MISSING = 3
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5.0
ANSWER_SECONDS = 30.0
# What is asked for again: not stored through yet, too many, and every failure of a server.
TOO_EARLY, TOO_MANY, SERVER_FAILED = 425, 429, 500
OK, FOUND, NOT_FOUND, MULTI_STATUS = 200, 302, 404, 207
# Seconds between looks at whether somebody still reads what is said.
LISTENING = 1.0
# Logins tried for one pupil: one may be lost with a broken connection.
LOGINS = 3
NOTHING: dict[str, Any] = {
    "status": 0, "sha256": None, "size": 0, "etag": "", "modified": "", "copies": [], "cause": "",
}  # fmt: skip


class ReadError(Exception):
    """What was asked for could not be told, and why."""


class Parser(HTMLParser):
    """Finds where the login form posts to in a page, and the hrefs of a folder's listing."""

    def __init__(self, text: str) -> None:
        """Read `text` at once."""
        super().__init__()
        self.action = ""
        self.hrefs: list[str] = []
        self._in_href = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the form's action, and where an href begins."""
        named = dict(attrs)
        if tag == "form" and named.get("id") == "kc-form-login":
            self.action = named.get("action") or ""
        self._in_href = tag.rpartition(":")[2] == "href"

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - the parser's own signature
        """Note where an href ends."""
        self._in_href = False

    def handle_data(self, data: str) -> None:
        """Keep an href."""
        if self._in_href:
            self.hrefs.append(data)


class Host:
    """One HTTPS host, for one pupil; every call asks again until `patience` is over."""

    def __init__(self, name: str, asked: dict[str, Any], context: ssl.SSLContext) -> None:
        """Connect at the first request."""
        self.patience, self.end = float(asked["patience"]), float(asked["end"])
        self.connection = http.client.HTTPSConnection(name, context=context)

    def send(
        self, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """Return an answer and its whole body; raise ReadError where none of use comes in time."""
        until = min(time.monotonic() + self.patience, self.end)
        pause, cause = FIRST_PAUSE, "no time left"
        while (left := until - time.monotonic()) > 0:
            self.connection.timeout = min(ANSWER_SECONDS, left)
            try:
                self.connection.request(method, path, body, headers or {})
                answer = self.connection.getresponse()
                content = answer.read()
            except ssl.SSLCertVerificationError as error:
                raise ReadError(f"certificate: {error.verify_message}") from None
            except (OSError, http.client.HTTPException) as error:
                self.connection.close()
                cause = f"{type(error).__name__}: {error}"
            else:
                if answer.status not in (TOO_EARLY, TOO_MANY) and answer.status < SERVER_FAILED:
                    return answer, content
                cause = f"status {answer.status}"
            time.sleep(max(0.0, min(pause, until - time.monotonic())))
            pause = min(2 * pause, LONGEST_PAUSE)
        raise ReadError(f"{method} {path.partition('?')[0]}: {cause}")


class Pupil:
    """One pupil: logs in, reads the documents, logs out."""

    def __init__(self, asked: dict[str, Any], who: dict[str, Any], password: str) -> None:
        """Prepare; nothing is sent yet."""
        context = ssl.create_default_context(cafile=asked["ca"])
        self.who, self.password, self.client = who, password, asked["client"]
        self.realm = f"/realms/{asked['realm']}/protocol/openid-connect"
        self.login, self.cell = (
            Host(asked["login"], asked, context),
            Host(who["host"], asked, context),
        )
        self.redirect = f"https://{who['host']}/oidc-callback.html"
        self.headers: dict[str, str] = {}
        self.space = ""
        self._folders: dict[str, list[str]] = {}

    def enter(self) -> dict[str, Any]:
        """Log in with a browser's requests, find the personal space and return the tokens."""
        verifier = secrets.token_urlsafe(48)
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
        common = {"client_id": self.client, "redirect_uri": self.redirect}
        query = {
            **common, "response_type": "code", "scope": "openid profile email",
            "state": secrets.token_urlsafe(12), "nonce": secrets.token_urlsafe(12),
            "code_challenge": digest.decode().rstrip("="), "code_challenge_method": "S256",
        }  # fmt: skip
        page, body = self.login.send("GET", f"{self.realm}/auth?{urlencode(query)}")
        action = urlsplit(Parser(body.decode("utf-8", "replace")).action)
        if page.status != OK or not action.path:
            raise ReadError(f"login page: status {page.status}, form {action.path or 'missing'}")
        pairs = [c.partition(";")[0] for c in page.headers.get_all("Set-Cookie", [])]
        form = {"username": self.who["username"], "password": self.password, "credentialId": ""}
        sent = self._post(f"{action.path}?{action.query}", form, {"Cookie": "; ".join(pairs)})
        code = parse_qs(urlsplit(sent[0].headers.get("Location", "")).query).get("code")
        if sent[0].status != FOUND or not code:
            raise ReadError(f"password: status {sent[0].status}, no code")
        form = {
            **common,
            "grant_type": "authorization_code",
            "code": code[0],
            "code_verifier": verifier,
        }
        answer, body = self._post(f"{self.realm}/token", form)
        if answer.status != OK:
            raise ReadError(f"token: status {answer.status}")
        tokens: dict[str, Any] = json.loads(body)
        self.headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        return tokens

    def find_space(self) -> None:
        """Find the path of the personal space."""
        query = urlencode({"$filter": "driveType eq 'personal'"}, quote_via=quote, safe="$'")
        answer, body = self.cell.send("GET", f"/graph/v1.0/me/drives?{query}", None, self.headers)
        if answer.status != OK:
            raise ReadError(f"me/drives: status {answer.status}")
        drives = json.loads(body).get("value") or []
        if not drives:
            raise ReadError("me/drives: no personal space")
        self.space = urlsplit(drives[0]["root"]["webDavUrl"]).path.rstrip("/")

    def leave(self, tokens: dict[str, Any]) -> None:
        """Log out; that it fails is no matter, since the session ends by itself."""
        form = {"client_id": self.client, "refresh_token": tokens.get("refresh_token", "")}
        self.login.patience = min(self.login.patience, 5.0)
        with suppress(ReadError):
            self._post(f"{self.realm}/logout", form)

    def document(self, path: str) -> dict[str, Any]:
        """Read one document; raise ReadError where it cannot be told what it is."""
        for turn in range(TIMES_MISSING):
            answer, body = self.cell.send("GET", self._url(path), None, self.headers)
            if answer.status != NOT_FOUND:
                break
            time.sleep(FIRST_PAUSE if turn + 1 < TIMES_MISSING else 0)
        if answer.status not in (OK, NOT_FOUND):
            raise ReadError(f"status {answer.status}")
        found: dict[str, Any] = {"status": answer.status}
        if answer.status == OK:
            found |= {
                "sha256": hashlib.sha256(body).hexdigest(), "size": len(body),
                "etag": answer.headers.get("ETag", ""),
                "modified": answer.headers.get("Last-Modified", ""),
            }  # fmt: skip
        return found

    def copies(self, path: str) -> list[str]:
        """Return what a conflict left beside the document: names that begin as its own does."""
        place = PurePosixPath(path)
        folder = str(place.parent)
        if folder not in self._folders:
            headers = {**self.headers, "Depth": "1"}
            answer, body = self.cell.send("PROPFIND", self._url(folder), None, headers)
            if answer.status not in (MULTI_STATUS, NOT_FOUND):
                raise ReadError(f"folder {folder}: status {answer.status}")
            hrefs = (
                Parser(body.decode("utf-8", "replace")).hrefs if answer.status != NOT_FOUND else []
            )
            self._folders[folder] = [PurePosixPath(unquote(urlsplit(h).path)).name for h in hrefs]
        names = self._folders[folder]
        return [n for n in names if n.startswith(place.stem) and "conflict" in n.lower()]

    def _url(self, path: str) -> str:
        inner = path.strip("/")
        return self.space + "/" + (quote(inner) if inner != "." else "")

    def _post(
        self, path: str, form: dict[str, str], headers: dict[str, str] | None = None
    ) -> tuple[http.client.HTTPResponse, bytes]:
        own = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        return self.login.send("POST", path, urlencode(form), own)


def read_pupil(asked: dict[str, Any], who: dict[str, Any], password: str) -> list[dict[str, Any]]:
    """Return what each document of one pupil is."""
    pupil = Pupil(asked, who, password)
    lines = [{**NOTHING, "username": who["username"], "path": path} for path in who["paths"]]
    tokens: dict[str, Any] = {}
    try:
        tokens = _entered(pupil)
        pupil.find_space()
        for line in lines:
            try:
                line.update(pupil.document(line["path"]))
                line["copies"] = pupil.copies(line["path"])
            except ReadError as error:
                line["cause"] = str(error)
    except (ReadError, ValueError, KeyError) as error:
        for line in lines:
            line["cause"] = line["cause"] or f"{type(error).__name__}: {error}"
    finally:
        if tokens:
            pupil.leave(tokens)
        pupil.login.connection.close()
        pupil.cell.connection.close()
    return lines


def _entered(pupil: Pupil) -> dict[str, Any]:
    """Log in, from the start again where a step was lost on the way."""
    for _ in range(LOGINS - 1):
        with suppress(ReadError):
            return pupil.enter()
        time.sleep(FIRST_PAUSE)
    return pupil.enter()


def main() -> None:
    """Read every pupil's documents, a few pupils at once."""
    asked = json.load(sys.stdin)
    asked["end"] = time.monotonic() + float(asked["limit"])
    password = Path(asked["password_file"]).read_text(encoding="utf-8").rstrip("\n")
    printing = threading.Lock()

    def read(who: dict[str, Any]) -> None:
        lines = read_pupil(asked, who, password)
        with printing:
            for line in lines:
                sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()

    pool = ThreadPoolExecutor(int(asked["threads"]))
    left = {pool.submit(read, who) for who in asked["pupils"]}
    try:
        while left:
            done, left = wait(left, timeout=LISTENING, return_when=FIRST_EXCEPTION)
            for one in done:
                one.result()
            require_listener()
    except BrokenPipeError:
        # Threads that wait for an answer would be waited for.
        os._exit(1)
    finally:
        pool.shutdown(cancel_futures=True)


def require_listener() -> None:
    """Raise BrokenPipeError where nobody reads the standard output any more."""
    output = select.poll()
    # Asked for nothing, it tells of an error or of the other end's close.
    output.register(sys.stdout.fileno(), 0)
    if output.poll(0):
        raise BrokenPipeError(errno.EPIPE, "nobody reads what is said")


if __name__ == "__main__":
    main()
