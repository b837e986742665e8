"""What `audit` decides, purely: bounds of mandates, what events mean, whether they follow one another."""
