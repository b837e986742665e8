"""`python -m services.consent` runs the service."""

from services.consent.app import main

main()
