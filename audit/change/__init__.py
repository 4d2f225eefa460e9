"""The change pack: what was asked, what is otherwise now, who did it, what came of it, and how to go back.

Each module makes one table of the run's connection, so that a pack's page follows from its ``data/`` alone::

    request      change_request, change_jobs   what is asked, and which jobs that are
    properties   change_properties             before and after, property by property
    effects      change_effects                executions and cost before and after
    findings     change_findings               what failed before and fails after
    risks        change_risks                  what may come of it
    rollback     rollbacks                     the way back
    proposed     change_proposals, …           what the jobs would be, and what the controls say of that
    closing      change_closing                what was approved against what was applied

Everything here reads and writes DuckDB tables and files; nothing touches Azure.
"""
