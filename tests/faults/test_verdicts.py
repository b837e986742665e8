"""A history with a fault planted in it is found out, whatever the fault."""

import pytest

from services.eventing.records import Item
from tests.builders.said import Course, Saying
from tests.faults.histories import Recorded, Versions, versions
from tests.faults.recording import Step
from tests.faults.verdicts import appeared, followed, once, walked
from tsunagu_contracts.encoding import digest


def test_steps_that_lead_on_are_right() -> None:
    """One version or many at a time, from 0 to the end."""
    assert walked("x", [Step(0, 3), Step(3, 4), Step(4, 9)], 9) == []
    assert walked("x", [], 0) == []


@pytest.mark.parametrize(
    ("steps", "end", "wrong"),
    [
        ([Step(0, 3), Step(4, 5)], 5, "x: from 3 to 4 without a step"),
        ([Step(0, 3), Step(2, 5)], 5, "x: 2 to 3 a second time"),
        ([Step(0, 3), Step(3, 2), Step(2, 5)], 5, "x: back from 3 to 2"),
        ([Step(0, 3), Step(3, 3)], 3, "x: back from 3 to 3"),
        ([Step(0, 3)], 5, "x: came to 3, not to 5"),
        ([Step(0, 6)], 5, "x: came to 6, not to 5"),
        ([], 5, "x: came to 0, not to 5"),
    ],
    ids=["gap", "twice", "swap", "standing", "lost at the end", "beyond the end", "nothing taken"],
)
def test_a_fault_in_steps_is_found(steps: list[Step], end: int, wrong: str) -> None:
    """A gap, a repetition, a step back, a loss at the end."""
    assert walked("x", steps, end) == [wrong]


def stream(*values: bytes) -> Versions:
    """An aggregate of which these versions stand on Kafka."""
    return Versions(values=list(values))


def test_versions_are_followed_as_they_stand_on_kafka() -> None:
    """A consumer may take several at a time; what it has taken last is known by its digest."""
    taken = {"referral:1": [Step(0, 2, digest(b"two")), Step(2, 3, digest(b"three"))]}
    assert followed("notify", taken, {"referral:1": stream(b"one", b"two", b"three")}) == []


def test_an_aggregate_that_a_consumer_never_took_is_missed() -> None:
    """What stands on Kafka and has left no trace in the consumer is lost."""
    assert followed("notify", {}, {"referral:1": stream(b"one")}) == ["notify referral:1: came to 0, not to 1"]


def test_a_version_of_other_content_is_found() -> None:
    """The number alone does not make it the same."""
    taken = {"referral:1": [Step(0, 1, digest(b"eins"))]}
    wrong = followed("notify", taken, {"referral:1": stream(b"one")})
    assert wrong == ["notify referral:1: version 1 is another than Kafka's"]


def test_a_repetition_of_the_same_bytes_is_counted_and_allowed() -> None:
    """At least once is what Kafka promises."""
    assert appeared("x", [(1, "a"), (2, "b"), (1, "a"), (2, "b"), (3, "c")], range(1, 4)) == (2, [])


@pytest.mark.parametrize(
    ("seen", "wrong"),
    [
        ([(1, "a"), (3, "c")], ["x: version 3 where 2 was due", "x: version 2 is missing"]),
        ([(2, "b"), (1, "a"), (3, "c")], ["x: version 2 where 1 was due", "x: version 1 where 3 was due"]),
        ([(1, "a"), (2, "b")], ["x: version 3 is missing"]),
        ([(1, "a"), (2, "b"), (3, "c"), (4, "d")], ["x: version 4 is one too many"]),
        ([(1, "a"), (2, "b"), (2, "B"), (3, "c")], ["x: version 2 again, but another"]),
    ],
    ids=["gap", "swap", "lost at the end", "too many", "rewritten"],
)
def test_a_fault_in_what_appeared_is_found(seen: list[tuple[int, str]], wrong: list[str]) -> None:
    """A gap, a swap, a loss, a version too many, a version with two contents."""
    assert appeared("x", seen, range(1, 4))[1] == wrong


@pytest.mark.parametrize(
    ("found", "wrong"),
    [
        (["a"], ["x: b is missing"]),
        (["a", "b", "b"], ["x: b is there 2 times"]),
        (["a", "b", "c"], ["x: c is one too many"]),
        (["b", "a"], []),
    ],
    ids=["lost", "doubled", "unasked", "right"],
)
def test_a_fault_in_what_is_to_be_there_once_is_found(found: list[str], wrong: list[str]) -> None:
    """Lost, doubled, or never asked for."""
    assert once("x", found, ["a", "b"]) == wrong


class TestWhatStandsOnKafka:
    """Versions of one referral in the order in which records of them stand."""

    def setup_method(self) -> None:
        """A referral that was submitted, delivered and accepted."""
        course = Course(Saying())
        self.aggregate = f"referral:{course.referral_id}"
        self.one, self.two, self.three = course.submitted(), course.delivered(), course.accepted("c-0003")

    def standing(self, *items: Item) -> Versions:
        """What is found where these stand one after the other."""
        records = [Recorded(("t", 0, at), item.record.key, item.record.value) for at, item in enumerate(items)]
        return versions(records, {})[self.aggregate]

    def test_what_stands_twice_counts_once(self) -> None:
        """A producer that died between sending and marking says the same bytes again, even after later ones."""
        found = self.standing(self.one, self.two, self.one, self.two, self.three)
        assert (found.misplaced, found.repeated, len(found.values)) == ([], 2, 3)

    def test_a_gap_a_swap_and_another_content_are_misplaced(self) -> None:
        """Each is named with the version that was out of place."""
        assert self.standing(self.one, self.three).misplaced == [f"{self.aggregate}@3 after 1"]
        swapped = self.standing(self.one, self.three, self.two)
        assert (swapped.misplaced, len(swapped.values)) == ([f"{self.aggregate}@3 after 1"], 2)
        other = Course(Saying(), referral_id=self.aggregate.partition(":")[2]).submitted()
        assert self.standing(self.one, other).misplaced == [f"{self.aggregate}@1 after 1"]
