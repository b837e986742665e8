"""`referral` checks agencies' messages, keeps sealed bodies in transit and delivers them; it holds no key."""
