"""What `consent` does, each within a transaction that somebody else commits."""
