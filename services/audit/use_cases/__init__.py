"""What `audit` does: keeps what arrives, and answers auditors."""
