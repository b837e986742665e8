"""What the directory can be asked to do: load a network's description, and find things in it."""
