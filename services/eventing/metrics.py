"""What the pipeline tells of itself in numbers (OpenTelemetry); without a meter provider they go nowhere.

Attributes are topics, codes and kinds, never a key: nothing here can be traced to a person.
"""

from opentelemetry import metrics

_meter = metrics.get_meter("tsunagu.eventing")

lag = _meter.create_gauge(
    "tsunagu.consumer.lag", unit="{message}", description="Messages of a topic that have not taken effect yet"
)
still = _meter.create_gauge(
    "tsunagu.consumer.still", unit="s", description="For how long messages wait in Kafka without one taking effect"
)
reconnections = _meter.create_counter(
    "tsunagu.consumer.reconnections", unit="{connection}", description="Connections closed because they stood still"
)
batch_size = _meter.create_histogram(
    "tsunagu.consumer.batch.size",
    unit="{message}",
    description="Messages that took effect in one transaction",
    explicit_bucket_boundaries_advisory=[1, 2, 5, 10, 25, 50, 100, 250, 500],
)
repetitions = _meter.create_counter(
    "tsunagu.consumer.repetitions", unit="{batch}", description="Batches that failed and were tried again"
)
parked = _meter.create_gauge(
    "tsunagu.parked", unit="{message}", description="Messages that cannot take effect, by what they wait for"
)
outbox_age = _meter.create_gauge(
    "tsunagu.outbox.age", unit="s", description="Age of the oldest message that has not reached Kafka"
)
