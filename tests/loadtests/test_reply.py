"""A response ends where HTTP says, however it is cut up on its way."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.reply import MOST_HEAD, BrokenError, ClosedError, Reply

if TYPE_CHECKING:
    from collections.abc import Callable

OK = b"HTTP/1.1 200 OK\r\n"


def coming(*pieces: bytes) -> Callable[[], bytes]:
    waiting = list(pieces)
    return lambda: waiting.pop(0) if waiting else b""


def read(wire: bytes, method: str = "GET") -> tuple[int, bytes, bool]:
    reply = Reply(coming(wire), method)
    body = b"".join(reply.body())
    return reply.status, body, reply.closes


@given(
    body=st.binary(max_size=300),
    chunks=st.lists(st.integers(1, 60), max_size=20),
    cuts=st.lists(st.integers(1, 40), max_size=20),
    chunked=st.booleans(),
)
def test_a_body_is_the_same_however_it_is_cut(
    *, body: bytes, chunks: list[int], cuts: list[int], chunked: bool
) -> None:
    if chunked:
        sent, rest = b"", body
        for size in chunks:
            chunk, rest = rest[:size], rest[size:]
            sent += b"%x;a=b\r\n%s\r\n" % (len(chunk), chunk) if chunk else b""
        sent += (b"%X\r\n%s\r\n" % (len(rest), rest) if rest else b"") + b"0\r\nTrailer: x\r\n\r\n"
        wire = OK + b"Transfer-Encoding: Chunked\r\n\r\n" + sent
    else:
        wire = OK + b"content-length:  %d \r\n\r\n" % len(body) + body
    pieces = []
    for cut in cuts:
        piece, wire = wire[:cut], wire[cut:]
        pieces += [piece] if piece else []
    reply = Reply(coming(*pieces, *([wire] if wire else [])), "GET")
    assert b"".join(reply.body()) == body
    assert not reply.closes


@given(st.binary(max_size=200))
def test_what_is_no_response_is_broken_and_never_else(noise: bytes) -> None:
    for wire in (noise, OK + noise, OK + b"Transfer-Encoding: chunked\r\n\r\n" + noise):
        with suppress(BrokenError, ClosedError):
            read(wire)


def test_headers_are_found_in_any_case_and_repeated_ones_are_all_kept() -> None:
    head = b"SET-COOKIE: a=1\r\nset-cookie:b=2\r\nLocation: \t/x?y=:z \r\nEmpty:\r\n"
    reply = Reply(coming(OK + head + b"Content-Length: 0\r\n\r\n"), "GET")
    assert reply.all(b"set-cookie") == ("a=1", "b=2")
    assert reply.first(b"location") == "/x?y=:z"
    assert reply.first(b"etag") == ""


def test_interim_responses_are_passed_over() -> None:
    wire = b"HTTP/1.1 103 Early Hints\r\nLocation: /no\r\n\r\nHTTP/1.1 100 \r\n\r\n" + OK
    reply = Reply(coming(wire + b"Content-Length: 2\r\n\r\nhi"), "GET")
    assert (b"".join(reply.body()), reply.first(b"location")) == (b"hi", "")


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_some_statuses_have_no_body(status: bytes) -> None:
    wire = b"HTTP/1.1 " + status + b"\r\nContent-Length: 5\r\n\r\n"
    assert read(wire) == (int(status[:3]), b"", False)


def test_the_answer_to_head_has_no_body() -> None:
    assert read(OK + b"Content-Length: 5\r\n\r\n", "HEAD") == (200, b"", False)


def test_a_body_without_a_length_goes_to_the_end_of_the_connection() -> None:
    assert read(OK + b"\r\nall of it") == (200, b"all of it", True)


@pytest.mark.parametrize(
    ("version", "connection", "closes"),
    [
        (b"1.1", b"keep-alive", False),
        (b"1.1", b"x, Close", True),
        (b"1.0", b"Keep-Alive", False),
        (b"1.0", b"x", True),
    ],
)
def test_a_connection_is_kept_where_both_ends_may(
    *, version: bytes, connection: bytes, closes: bool
) -> None:
    head = b"HTTP/%s 200 OK\r\nConnection: %s\r\n" % (version, connection)
    assert read(head + b"Content-Length: 0\r\n\r\n")[2] is closes


def test_what_comes_after_the_body_ends_the_connection() -> None:
    assert read(OK + b"Content-Length: 2\r\n\r\nhi" + OK) == (200, b"hi", True)


@pytest.mark.parametrize(
    "wire",
    [
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        OK + b"Folded: a\r\n b\r\n\r\n",
        OK + b"Spaced : a\r\n\r\n",
        OK + b"none\r\n\r\n",
        OK + b"Content-Length: 3\r\n\r\nhi",
        OK + b"Content-Length: +2\r\n\r\nhi",
        OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nhi",
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhiX\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n",
        OK + b"A: " + b"x" * (MOST_HEAD + 10),
    ],
)
def test_a_broken_response_is_said_to_be_one(wire: bytes) -> None:
    with pytest.raises(BrokenError):
        read(wire)


def test_a_connection_that_ends_before_the_response_was_closed() -> None:
    with pytest.raises(ClosedError):
        read(b"")
