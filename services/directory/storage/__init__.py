"""The directory's own database: what is registered, names of staff, and resources."""
