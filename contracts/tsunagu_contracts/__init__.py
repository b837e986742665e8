"""What every part of Tsunagu agrees on: events, messages of agencies, topics, codes, sealing and signatures."""
