"""The sections of the report: one file each, from tables to what a template prints."""
