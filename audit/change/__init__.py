"""A change of a job: what is asked for, what the job would be then, and whether that is what was applied.

Everything here reads and writes DuckDB tables and files; nothing touches Azure.
"""
