"""Writes the matrix into the documentation."""

from tests.service.bad_input.table import PAGE, page

PAGE.write_text(page(), encoding="utf-8")
