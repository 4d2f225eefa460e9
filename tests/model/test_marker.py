from __future__ import annotations

import pytest

from audit.model.marker import detector, hidden


@pytest.mark.parametrize(
    ("value", "is_hidden", "name"),
    [
        (None, False, None),
        ("orders", False, None),
        ("[redacted:0123456789abcdef]", True, None),
        ("[redacted:0123456789abcdef:jwt]", True, "jwt"),
        ("Endpoint=sb://x/;SharedAccessKey=[redacted:0123456789abcdef:shared-access-key]", True, "shared-access-key"),
        ("[redacted:0123456789abcdef] then [redacted:0123456789abcdef:sas]", True, "sas"),
        ("[redacted:short]", False, None),
    ],
)
def test_a_marker_tells_that_a_value_was_hidden_and_what_it_looked_like(value, is_hidden, name):
    assert (hidden(value), detector(value)) == (is_hidden, name)
