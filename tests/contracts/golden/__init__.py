"""The golden messages: one invented referral told in every event and message; written once, committed, never remade."""
