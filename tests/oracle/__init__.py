"""The decision of consent a second time, as Cedar policies written from docs/consent-rules.md alone."""
