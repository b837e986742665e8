"""How audit's database came to be."""
