"""The one error of the embedded infrastructure."""


class InfrastructureError(RuntimeError):
    """Kafka, PostgreSQL or what they need did not come up; the message says what happened and what to do."""
