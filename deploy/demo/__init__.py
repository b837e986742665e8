"""The demo: a network of two wards to try everything on, and the keys it needs."""
