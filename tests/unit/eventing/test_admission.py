"""What may take effect, judged from what has been seen and nothing else."""

from services.eventing.admission import Admission
from services.eventing.records import Item, decode
from tests.builders.said import Saying
from tsunagu_contracts.envelope import Cause
from tsunagu_contracts.events.notify import NotificationAcknowledged


def test_a_cause_of_a_kind_that_nobody_knows_is_not_waited_for() -> None:
    """It stands on no topic that is read here; a producer may be ahead of its readers."""
    said = NotificationAcknowledged(notification_id="n-1", coordinator_id="c-0001")
    item = Saying().say("notification:n-1", said, cause=Cause("nothing:x", 1))
    assert isinstance(decode(item.record), Item)
    assert Admission({}, set(), frozenset({"notify.events", "directory.events"})).judge(item) is True
