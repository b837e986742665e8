"""What `referral` keeps: referrals, the bodies in transit, and what became of each message."""
