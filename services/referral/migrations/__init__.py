"""The schema of `referral`, step by step (Alembic)."""
