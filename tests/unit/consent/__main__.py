"""Writes the rules of decision into the documentation."""

from tests.unit.consent.decision_page import PAGE, page

PAGE.write_text(page(), encoding="utf-8")
