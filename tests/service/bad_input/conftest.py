"""Failed comparisons outside of test modules are to say what was compared."""

import pytest

pytest.register_assert_rewrite("tests.service.bad_input.cells")
