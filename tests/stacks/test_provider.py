"""What Pulumi hands to our dynamic providers."""

from __future__ import annotations

from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from hypothesis import given, settings
from hypothesis import strategies as st

from stacks.provider import whole
from tests.examples import examples

# Up to here a double holds every whole number.
NUMBERS = st.integers(-(2**53), 2**53)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
)


@settings(max_examples=examples(30))
@given(st.dictionaries(st.text(st.characters(codec="utf-8")), VALUES))
def test_whole_numbers_are_whole_again_after_their_way_through_pulumi(
    given_props: dict[str, object],
) -> None:
    message = Struct()
    message.update(given_props)
    back = whole(MessageToDict(message))
    assert back == given_props
    assert sorted(repr(back)) == sorted(repr(given_props))


def test_what_is_no_whole_number_stays_as_it_is() -> None:
    assert whole({"share": 0.5, "names": ["a"], "port": 22.0}) == {
        "share": 0.5,
        "names": ["a"],
        "port": 22,
    }
    assert isinstance(whole(22.0), int)
