"""The pure rules of consent: statements, the decision over them, coverage and release."""
