"""`consent` decides what may be opened: persons, handles and their keys, statements and releases."""
