"""The history of consent's schema."""
