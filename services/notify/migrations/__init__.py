"""How notify's database came to be."""
