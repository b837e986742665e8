"""What every service process is made of: settings, telemetry, identity, errors, health and a graceful end."""
