"""What `consent` keeps: persons by random ids, handles without their keys, referrals, statements, releases."""
