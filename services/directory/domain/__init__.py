"""What a network is, when its description holds together, and what changed since the last one; pure."""
