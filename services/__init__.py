"""The services of the network; each owns its database and talks to the others over Kafka alone."""
