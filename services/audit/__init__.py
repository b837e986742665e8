"""Keeps every event as it was received, and answers auditors under a mandate."""
