"""What a referral is and how it may move; no I/O, no clock, no framework."""
