"""Render: from tables to what people read. Reads tables and raw pages of a run, never Azure."""
