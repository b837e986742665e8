"""Kafka and PostgreSQL for tests: which ones, how they are reached, one of each per run."""
