"""Looking for given values everywhere that a network keeps or says anything, however they may be written."""
