"""Images of Kafka and PostgreSQL made on the spot, for a Docker that reaches no image registry."""
