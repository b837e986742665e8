"""Apache Kafka and PostgreSQL on a machine that has neither: started, watched and stopped with the program."""
