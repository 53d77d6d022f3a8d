from __future__ import annotations

import json
from contextlib import suppress
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests import drive, listing
from loadtests.drive import Drive
from loadtests.requests import Response
from loadtests.steps import Unexpected
from loadtests.work import Work

ORIGIN = "https://drive1.skole.test"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["value", "id"]), inner),
)
# What XML 1.0 can carry and a path may hold.
NAMES = st.text(
    st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc", "Cn"], exclude_characters="/"),
    min_size=1,
    max_size=40,
).filter(lambda name: name not in {".", ".."})


def drives(identity: Any = "a$b!c", **rest: Any) -> Response:
    body = {"value": [{"id": identity, "quota": {"used": 5}, **rest}]}
    return Response(200, json.dumps(body).encode())


def test_the_personal_space_is_read_with_its_use() -> None:
    assert drive.drive(drives()) == Drive("/dav/spaces/a$b!c", empty=False)
    assert drive.drive(drives(quota={"used": 0})).empty
    assert drive.drive(drives(quota={})).empty


@pytest.mark.parametrize(
    "response",
    [
        Response(200, b"{"),
        Response(200, b'{"value": []}'),
        Response(200, b"[" * 100_000),
        drives(identity=7),
        drives(identity="../x"),
        drives(identity="a/b"),
        drives(identity=""),
        drives(quota={"used": "5"}),
        drives(quota=None),
    ],
)
def test_what_tells_of_no_space_is_no_drive(response: Response) -> None:
    with pytest.raises(Unexpected, match=r"^no drive$"):
        drive.drive(response)


@given(JSON)
def test_any_json_is_a_drive_or_none(value: Any) -> None:
    with suppress(Unexpected):
        drive.drive(Response(200, json.dumps(value).encode()))


@given(path=st.lists(NAMES, min_size=1, max_size=3).map("/".join))
def test_any_name_becomes_a_request_target(path: str) -> None:
    target = Drive("/dav/spaces/a", empty=False).at(path)
    assert target.isascii()
    assert not set(" \r\n?#") & set(target)
    assert target.count("/") == 3 + path.count("/") + 1


def test_a_save_names_what_it_replaces() -> None:
    assert dict(drive.put(ORIGIN, "/x", b"a", "e1").headers)["If-Match"] == '"e1"'
    assert "If-Match" not in dict(drive.put(ORIGIN, "/x", b"a", "").headers)


@pytest.mark.parametrize(("status", "cause"), [(409, "conflict"), (412, "conflict"), (403, "403")])
def test_a_refused_save_is_named(status: int, cause: str) -> None:
    with pytest.raises(Unexpected, match=rf"^{cause}$"):
        drive.stored(Response(status))


def test_a_save_without_an_etag_is_not_believed() -> None:
    with pytest.raises(Unexpected, match=r"^no ETag$"):
        drive.stored(Response(201))


@st.composite
def folders(draw: st.DrawFn) -> tuple[bytes, str, dict[str, tuple[bool, int, str]]]:
    """Return a multistatus of a folder at a request target, and what it holds."""
    prefix = draw(st.sampled_from(["d", "D", "oc", "ns0"]))
    held = draw(
        st.dictionaries(
            NAMES, st.tuples(st.booleans(), st.integers(0, 2**40), st.text("abc09:-", min_size=1))
        )
    )
    blank = draw(st.sampled_from(["", "\n  "]))
    host = draw(st.sampled_from(["", ORIGIN]))
    target = "/dav/spaces/a$b/" + quote(draw(NAMES))

    def response(href: str, folder: bool, size: int, etag: str) -> str:  # noqa: FBT001
        p = prefix
        kind = f"<{p}:collection/>" if folder else ""
        length = "" if folder else f"<{p}:getcontentlength>{size}</{p}:getcontentlength>"
        missing = (
            f"<{p}:propstat><{p}:prop><{p}:getcontentlength>x</{p}:getcontentlength></{p}:prop>"
            f"<{p}:status>HTTP/1.1 404 Not Found</{p}:status></{p}:propstat>"
        )
        return (
            f"<{p}:response>{blank}<{p}:href>{escape(href)}</{p}:href>{missing}<{p}:propstat>"
            f"<{p}:prop><{p}:resourcetype>{kind}</{p}:resourcetype>{length}"
            f'<{p}:getetag>"{etag}"</{p}:getetag></{p}:prop>{blank}'
            f"<{p}:status>HTTP/1.1 200 OK</{p}:status></{p}:propstat></{p}:response>"
        )

    parts = [response(host + target + "/", True, 0, "root")]  # noqa: FBT003
    for name, (folder, size, etag) in held.items():
        href = f"{host}{target}/{quote(name)}" + "/" * folder
        parts.append(response(href, folder, size, etag))
    text = f"<{prefix}:multistatus xmlns:{prefix}={quoteattr('DAV:')}>{''.join(parts)}"
    return f"{text}</{prefix}:multistatus>".encode(), target, held


@given(folders())
def test_a_folder_is_read_however_it_is_written(
    folder: tuple[bytes, str, dict[str, tuple[bool, int, str]]],
) -> None:
    body, target, held = folder
    found = listing.held(Response(207, body), target)
    assert {n: (e.folder, 0 if e.folder else e.size, e.etag) for n, e in found.items()} == {
        n: (is_folder, 0 if is_folder else size, etag)
        for n, (is_folder, size, etag) in held.items()
    }


BOMB = b"""<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<d:multistatus xmlns:d="DAV:"><d:response><d:href>&b;</d:href></d:response></d:multistatus>"""


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        BOMB,
        BOMB.replace(b"&b;", b"/x"),
        b'<m xmlns="DAV:"><response></response></m>',
        (
            b'<m xmlns="DAV:"><response><href>/a</href><propstat><prop><getcontentlength>-1'
            b"</getcontentlength></prop><status>HTTP/1.1 200 OK</status></propstat></response></m>"
        ),
        "<m>\N{LATIN SMALL LETTER O WITH STROKE}</m".encode("latin-1"),
        b'<?xml version="1.0" encoding="no-such"?><m/>',
    ],
)
def test_what_is_no_listing_is_refused(body: bytes) -> None:
    with pytest.raises(Unexpected, match=r"^broken listing$"):
        listing.entries(Response(207, body))


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(body: bytes) -> None:
    with suppress(Unexpected):
        listing.entries(Response(207, b'<m xmlns="DAV:"><response>' + body))


def test_a_listing_without_end_is_not_read() -> None:
    with pytest.raises(Unexpected, match="too long"):
        listing.entries(Response(207, b" " * (listing.MOST_BYTES + 1)))


@pytest.mark.parametrize(("etag", "bare"), [('"a"', "a"), ('W/"a"', "a"), ("a", "a"), ("", "")])
def test_an_etag_is_compared_without_its_quotes(etag: str, bare: str) -> None:
    assert listing.bare(etag) == bare


@given(size=st.integers(200, 30_000), person=st.integers(0, 2**21), number=st.integers(0, 999))
def test_a_persons_texts_have_their_size_and_are_known_again(
    size: int, person: int, number: int
) -> None:
    work = Work("20251121T220010Z-exam-ab12", 1, person, size)
    text = work.text(number)
    assert len(text) == size
    assert work.wrote(text)
    assert work.text(number + 1) != text
    assert not work.wrote(text[:-1] + b"!")
    assert not Work(work.run, 2, person, size).wrote(text)
