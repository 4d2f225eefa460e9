"""The verdicts for other programs: findings.json with its schema, CSV, OCSF and OSCAL, in a pack's ``results/``."""

from audit.render.results.folder import FOLDER, write
from audit.render.results.shapes import schema

__all__ = ["FOLDER", "schema", "write"]
