"""How fast the pipeline is, beside two frozen references on the same Kafka and PostgreSQL: `make bench`."""
