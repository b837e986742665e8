"""What `audit` keeps: its tables, writing to the log, and reading for auditors' questions."""
