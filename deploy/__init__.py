"""Where Tsunagu runs: the command line, the embedded runner, the demo network."""
