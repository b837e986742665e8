"""The service `referral`: checks agencies' messages, keeps sealed bodies in transit, delivers; holds no key."""
