"""Two frozen references, to compare the pipeline with: the same hops without guarantees, and with them.

They use aiokafka, asyncpg and JSON and nothing of ours, so that a change of the pipeline cannot change them.
"""
