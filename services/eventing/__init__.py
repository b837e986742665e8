"""The reliable pipeline between Kafka and PostgreSQL; it knows nothing of what the events mean."""
