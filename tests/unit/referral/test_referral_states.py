import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.referral.domain.states import CLOSED, OPEN, TABLE, Act, Party, leads_to, next_state
from tsunagu_contracts.codes import ReferralAct, ReferralState, RefusalCode
from tsunagu_contracts.errors import Refusal

REASONS = {RefusalCode.NOT_PERMITTED, RefusalCode.REFERRAL_NOT_OPEN, RefusalCode.TRANSITION_NOT_ALLOWED}
starts = st.one_of(st.none(), st.sampled_from(ReferralState))


@given(start=starts, halted_in=starts, party=st.sampled_from(Party), act=st.sampled_from(Act))
def test_any_act_in_any_state_is_in_the_table_or_refused_with_a_code(
    start: ReferralState | None, halted_in: ReferralState | None, party: Party, act: Act
) -> None:
    """Whoever does whatever in whichever state either finds one row or gets one of the three codes."""
    rows = [
        row.end for row in TABLE if (row.start, row.halted_in, row.party, row.act) == (start, halted_in, party, act)
    ]
    if rows:
        assert [next_state(start, halted_in, party, act)] == rows
        return
    with pytest.raises(Refusal) as caught:
        next_state(start, halted_in, party, act)
    assert caught.value.code in REASONS


def test_all_fifteen_states_stand_and_each_is_open_or_closed() -> None:
    """No state is missing from the two lists, and none is in both."""
    assert len(ReferralState) == 15
    assert set(ReferralState) == OPEN | CLOSED
    assert not OPEN & CLOSED


def test_nothing_leaves_a_closed_state() -> None:
    """A referral that has ended stays ended."""
    assert not [row for row in TABLE if row.start in CLOSED]


def test_no_pair_stands_twice() -> None:
    """The table is a function: one state, party and act lead to one state."""
    keys = [(row.start, row.halted_in, row.party, row.act) for row in TABLE]
    assert len(keys) == len(set(keys))


def test_every_act_of_an_agency_is_the_recipients_alone() -> None:
    """What a signed message can do is done by the recipient, and by the sender only in submitting."""
    for act in ReferralAct:
        assert {row.party for row in TABLE if row.act.value == act.value} == {Party.RECIPIENT}


def test_covered_again_leads_back_to_where_it_was_halted() -> None:
    """Every state that can be halted is resumed by coverage into itself."""
    halting = {row.start for row in TABLE if row.end is ReferralState.HALTED}
    assert halting
    for start in halting:
        assert leads_to(ReferralState.HALTED, start, Party.CONSENT, Act.COVER) is start


def test_only_rows_of_a_halted_referral_name_where_it_was_halted() -> None:
    """`halted_in` stands exactly on the rows that start from halted."""
    assert all((row.start is ReferralState.HALTED) == (row.halted_in is not None) for row in TABLE)
