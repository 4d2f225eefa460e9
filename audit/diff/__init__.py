"""What differs between two runs: jobs, configuration, access, verdicts, coverage, cost and the baselines judged by.

Both runs lie in one DuckDB connection as the catalogs ``old`` and ``new``, each with every table that a run or a pack
has; :func:`compare` creates the table ``differences`` there, by joins on ids, whatever their casing. A difference that
a gap explains is ``unknown`` and names the gap: what wasn't read is never called removed.
"""

from __future__ import annotations

from audit.diff.compared import AREAS, KINDS, TABLES, compare, counts
from audit.diff.html import page
from audit.diff.shapes import schema
from audit.diff.side import Side, notes
from audit.diff.text import lines
from audit.diff.told import rows, write

__all__ = ["AREAS", "KINDS", "TABLES", "Side", "compare", "counts", "lines", "notes", "page", "rows", "schema", "write"]
