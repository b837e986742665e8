from hypothesis import given
from hypothesis import strategies as st

from services.referral.use_cases.turns import in_turns

batches = st.lists(st.frozensets(st.sampled_from("abcdef"), max_size=3), max_size=20)


@given(touched=batches)
def test_within_a_turn_nothing_is_touched_twice(touched: list[frozenset[str]]) -> None:
    """Items of one turn have nothing in common, so that one statement can deal with all of them."""
    for turn in in_turns(touched):
        things = [thing for position in turn for thing in touched[position]]
        assert len(things) == len(set(things))


@given(touched=batches)
def test_every_item_has_its_turn_and_order_is_kept_per_thing(touched: list[frozenset[str]]) -> None:
    """Nothing is lost or repeated, and what touches a thing later comes in a later turn."""
    turns = in_turns(touched)
    assert sorted(position for turn in turns for position in turn) == list(range(len(touched)))
    turn_of = {position: number for number, turn in enumerate(turns) for position in turn}
    for earlier, first in enumerate(touched):
        for later in range(earlier + 1, len(touched)):
            if first & touched[later]:
                assert turn_of[earlier] < turn_of[later]


def test_a_batch_without_anything_in_common_is_one_turn() -> None:
    """The usual batch is handled at once."""
    assert in_turns([("a",), ("b",), ()]) == [[0, 1, 2]]
