"""`python -m tests.benchmarks consent`: decisions and releases over HTTP beside a bare SELECT, at two sizes."""
