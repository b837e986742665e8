"""Tells coordinators that something waits for them, once each and with nothing personal in it."""
