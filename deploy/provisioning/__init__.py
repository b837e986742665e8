"""What the catalogue asks for, made to be so: topics, users, permissions, databases and roles."""
