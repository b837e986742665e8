"""When a consumer that stands still is to connect anew: pure, with times given."""

from aiokafka import TopicPartition

from services.eventing.ends import Reach
from services.eventing.watchdog import Stillness

ZERO, ONE = TopicPartition("t", 0), TopicPartition("t", 1)
BOUND = 30.0


def test_nothing_to_do_is_not_standing_still() -> None:
    """A group at the end of every partition may stay there for ever."""
    still = Stillness(BOUND)
    for at in (0.0, 1_000.0):
        still.look(at, {ZERO: 5}, {ZERO: Reach(0, 5), ONE: Reach(0, 0)})
    assert still.seconds(1_000.0) == 0
    assert not still.overdue(1_000.0, {ZERO, ONE})


def test_waiting_messages_that_nobody_takes_are_overdue_at_the_bound() -> None:
    """The time counts from when they were first seen waiting; a position that was never taken counts as 0."""
    still = Stillness(BOUND)
    for at in (0.0, 29.9):
        still.look(at, {}, {ZERO: Reach(0, 1)})
    assert not still.overdue(29.9, {ZERO})
    assert still.overdue(30.0, {ZERO})


def test_a_partition_that_moves_begins_anew_however_far_behind_it_is() -> None:
    """Slow is not stuck."""
    still = Stillness(BOUND)
    for at, position in ((0.0, 1), (29.0, 2), (58.0, 3)):
        still.look(at, {ZERO: position}, {ZERO: Reach(0, 1_000)})
        assert not still.overdue(at, {ZERO})
    assert still.seconds(59.0) == 1.0


def test_one_partition_that_moves_does_not_hide_one_that_does_not() -> None:
    """Each partition is watched by itself."""
    still = Stillness(BOUND)
    for at, position in ((0.0, 1), (30.0, 9)):
        still.look(at, {ZERO: position, ONE: 4}, {ZERO: Reach(0, 10), ONE: Reach(0, 5)})
    assert still.overdue(30.0, {ZERO, ONE})


def test_what_retention_has_deleted_is_not_waited_for() -> None:
    """A partition of which nothing is left has nothing waiting, wherever the group stands."""
    still = Stillness(BOUND)
    for at in (0.0, 100.0):
        still.look(at, {ZERO: 2}, {ZERO: Reach(7, 7)})
    assert not still.overdue(100.0, {ZERO})


def test_a_partition_of_another_member_is_left_to_it_for_three_times_as_long() -> None:
    """Its owner is to notice first; when nobody owns it, everybody will."""
    still = Stillness(BOUND)
    still.look(0.0, {}, {ZERO: Reach(0, 1)})
    assert not still.overdue(89.0, {ONE})
    assert still.overdue(90.0, {ONE})


def test_the_bound_doubles_until_the_partition_moves() -> None:
    """What a new connection does not help is tried less and less often, up to twenty times the bound."""
    still = Stillness(BOUND)
    still.look(0.0, {}, {ZERO: Reach(0, 1)})
    still.reconnected(30.0)
    assert not still.overdue(89.0, {ZERO})
    assert still.overdue(90.0, {ZERO})
    for _ in range(20):
        still.reconnected(0.0)
    assert still.overdue(20 * BOUND, {ZERO})
    still.look(1_000.0, {ZERO: 1}, {ZERO: Reach(0, 2)})
    assert still.overdue(1_030.0, {ZERO})
