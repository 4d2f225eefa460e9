"""What is never a difference, with the reason: columns that change from read to read though nobody changed anything."""

from __future__ import annotations

EVERYWHERE = {
    "row_id": "made of the key that rows are joined by",
    "observed_at": "when it was read",
    "raw_ref": "where the answer is kept; it holds the request's id",
    "created_by": "follows from the thing itself being another",
    "created_by_type": "follows from the thing itself being another",
    "created_at": "follows from the thing itself being another",
    "created_on": "follows from the thing itself being another",
    "modified_by": "a stamp of the change, which the change itself tells",
    "modified_by_type": "a stamp of the change, which the change itself tells",
    "modified_at": "a stamp of the change, which the change itself tells",
    "updated_at": "a stamp of the change, which the change itself tells",
    "updated_on": "a stamp of the change, which the change itself tells",
    "provisioning_state": "a state of the moment, while Azure carries something out",
}
"""By column, in any table."""

OF_TABLE = {
    "tags": {"resource_group": "a part of the id", "subscription_id": "a part of the id"},
    "budgets": {
        "current_spend": "grows by itself; what jobs cost is told under cost",
        "forecast_spend": "Azure works it out anew each day",
        "currency": "told with the spend, and not before there is one",
    },
    "event_source_entities": {
        "active_messages": "a count of the moment",
        "dead_letters": "a count of the moment",
        "size_bytes": "a count of the moment",
        "status": "a state of the moment; a queue that is missing is told by the controls",
    },
    "event_sources": {"status": "a state of the moment"},
    "image_digests": {"size_bytes": "follows from the digest", "note": "words about the read"},
    "private_dns": {"link_state": "a state of the moment"},
    "environments": {"static_ip": "given by Azure"},
    "environment_quotas": {"used": "a count of the moment"},
    "role_definitions": {
        "assignable_scopes": "where it can be assigned, not what it gives",
        "role_definition_id": "it carries the subscription that it was read through",
    },
    "exceptions": {
        "severity": "the control's own",
        "used": "told by the verdict that it waives",
        "detail": "words that hold days and counts",
    },
    "entitlements": {
        "position": "an order of the review",
        "given_on": "follows from via_ids",
        "given_by": "follows from via_ids",
        "scope_words": "the scope in words",
        "role_definition_id": "it carries the subscription that it was read through",
        "can": "capabilities in words",
        "jobs": "follows from the jobs and the capabilities",
        "job_names": "follows from the jobs",
        "reach_id": "a number of the run",
        "complete": "told by coverage",
        "incomplete_because": "words about the read",
        "last_change_at": "an event of the window",
        "last_change_by": "an event of the window",
        "last_change": "an event of the window",
        "reviewer": "whom [review] and tags name",
        "reviewer_rule": "whom [review] and tags name",
        "reviewer_conflict": "whom [review] and tags name",
        "since_last": "compares with a review, as this does with a run",
        "since_last_detail": "compares with a review, as this does with a run",
        "previous_decision": "an earlier review's",
        "previous_reason": "an earlier review's",
        "previous_reviewer": "an earlier review's",
        "previous_on": "an earlier review's",
        "previous_review": "an earlier review's",
        "previous_outcome": "an earlier review's",
    },
}
"""By table and column."""


def ignored(table: str) -> frozenset[str]:
    """Return the columns of a table that are never a difference."""
    return frozenset(EVERYWHERE) | frozenset(OF_TABLE.get(table, {}))
