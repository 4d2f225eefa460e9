"""Tables that a report reads and a run may lack, because an older version collected it or a stage made none.

They are made empty, as temporary tables of the report's own connection, and their names are kept: what rests on one
is told as not collected, never as absent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.render.rows import fetch

if TYPE_CHECKING:
    import duckdb

_TYPES = {
    "timestamptz": "observed_at at expires modified_at "
    "last_started "
    "since until from to started ended fired_at resolved_at first_seen_at created_at "
    "collected_at stated_at planned_from planned_until approved_at reviewed_at updated_at created_on "
    "membership_expires",
    "date": "day month stated_on verified_on verified_for_date approved_on exceptions.expires",
    "double": "threshold activation_threshold "
    "hours depth_last depth_most wasted_share "
    "value duration_s cpu memory_gib pull_seconds interval_s threshold_s executions_per_day interval_h "
    "observed_per_day limit_days proposed_interval_h quantity_vcpu_s quantity_gib_s vcpu_s gib_s",
    "bigint": "polling_interval_s "
    "position limit_rows count exit_code image_size_bytes replica_count events severity frequency_s window_s "
    "executions succeeded bytes shared_by retention_days soft_delete_days lock_duration_s max_delivery_count "
    "default_ttl_s partition_count retention_hours active_messages dead_letters size_bytes receiver_count way "
    "seq set_id steps through_way active eligible access_answers.through_identity access_answers.denied",
    "decimal(28,6)": "wasted_amount amount failed_amount idle_amount cost_per_succeeded previous_amount",
    "boolean": "told ongoing executions_known activation_known "
    "enabled resolved final whole previous_is_last_month local_auth_disabled zone_redundant can_manage "
    "can_listen can_send rbac purge_protection soft_delete admin_user anonymous_pull dead_letter_on_expiration "
    "requires_session duplicate_detection registration_enabled identity_possible "
    "privileged conditional applicable complete denied emergency undecided approved_before approved_by_implementer "
    "approved_by_requester_alone reviewed_by_implementer used",
}
_TYPE_OF = {name: kind for kind, names in _TYPES.items() for name in names.split()}

TABLES = {
    "execution_history": "execution_id job_id name status started ended duration_s images template_digest exit_codes "
    "cpu memory_gib replica_count source first_seen_run first_seen_at",
    "executions": "execution_id job_id name status started ended duration_s replicas template_digest images cpu "
    "memory_gib replica_count exit_codes reason",
    "execution_templates": "job_id template_digest template images",
    "execution_logs": "workspace environment_id job_name execution_name replica_name at reason type message exit_code "
    "count image pull_seconds image_size_bytes source_table",
    "graph_jobs": "job_id name subscription_id resource_group trigger_type",
    "metrics": "resource_id metric dimension aggregation unit at interval_s value",
    "rule_sources": "job_id rule_name scaler_type source_type host namespace entity_kind entity parent_entity "
    "consumer found_by unresolved",
    "inventory": "resource_id name type kind location subscription_id resource_group sku host customer_id tags",
    "workspaces": "workspace_id customer_id name subscription_id resource_group location sku retention_days "
    "daily_quota_gb public_ingestion public_query",
    "event_sources": "resource_id source_type name location sku host local_auth_disabled public_access default_action "
    "ip_rules vnet_rules min_tls zone_redundant private_endpoints provisioning_state created_at status",
    "event_source_entities": "entity_id resource_id entity_kind name parent status lock_duration_s max_delivery_count "
    "dead_letter_on_expiration default_ttl_s requires_session duplicate_detection partition_count retention_hours "
    "active_messages dead_letters size_bytes settings",
    "event_source_policies": "policy_id resource_id entity_id name rights can_manage can_listen can_send",
    "key_vaults": "vault_id name host rbac public_access default_action bypass ip_rules vnet_rules soft_delete_days "
    "purge_protection sku private_endpoints",
    "registries": "registry_id name host sku admin_user anonymous_pull public_access default_action ip_rules "
    "zone_redundant private_endpoints trusted_services policies",
    "private_endpoints": "endpoint_id target_id group_ids status subnet_id fqdns addresses location",
    "private_dns": "zone_id zone endpoint_id linked_vnet_id link_state registration_enabled link_id",
    "alerts": "alert_id kind name enabled severity scopes target_type condition condition_text action_group_ids "
    "frequency_s window_s auto_mitigate description",
    "fired_alerts": "fired_id rule_id name target_resource_id severity_text signal_type condition state fired_at "
    "resolved_at description",
    "dependencies": "job_id resource_id resource_type relation via found_by resolved detail",
    "changes": "change_id job_id resource_id relation kind operation property before after before_after changed_by "
    "changed_by_name changed_by_type client at status sub_status source correlation_id events",
    "approved_changes": "ticket subject_kind subject planned_from planned_until requester approvers approved_at "
    "implementers emergency reviewed_at reviewed_by source",
    "change_tickets": "change_id job_id resource_id relation kind at changed_by changed_by_name state ticket "
    "ticket_subject why nearest undecided planned_from planned_until requester approvers implementers approved_at "
    "emergency reviewed_at reviewed_by approved_before approved_by_implementer approved_by_requester_alone "
    "reviewed_by_implementer ticket_source ticket_row",
    "job_costs": "job_id day amount currency basis final part executions vcpu_s gib_s collected_at note",
    "job_cost_months": "job_id month basis currency amount failed_amount idle_amount final collected_at since until "
    "whole executions succeeded cost_per_succeeded previous_amount previous_is_last_month",
    "cost_beside": "job_id resource_id relation day amount currency basis final shared_by",
    "cadence": "kind scope observed_per_day limit_rows limit_days proposed_interval_h reason",
    "fit": "job_id signal value detail",
    "cost_totals": "job_id basis currency amount wasted_amount wasted_share final told",
    "backlogs": "job_id rule_name measure since until hours depth_last depth_most ongoing last_started "
    "executions_known activation_known",
    "source_work": "job_id rule_name measure active_messages",
    "job_alerts": "job_id alert_id name kind about tells_failed tells_stuck hears heard_by",
    "continuity": "kind scope from to state detail",
    "scaler_facts": "job_id rule_name scaler_type support support_source verified_by verified_on verified_for "
    "verified_source threshold_key threshold threshold_written threshold_origin threshold_note activation_threshold "
    "polling_interval_s polling_origin unknown_keys near_keys deprecated_keys scaler_deprecated missing_keys "
    "maybe_missing_keys plain_secret_keys unfit_values identity_possible",
    "statements": "job_id topic position text stated_by stated_on detail source",
    "attachments": "job_id name path sha256 bytes",
    "capabilities": "capability title privileged position",
    "access_ways": "capability way words needs holder rights condition",
    "access_principals": "principal_id type display_name user_principal_name app_id enabled user_type resolved concern",
    "access_grants": "capability way seq scope principal_id principal_type access via_kind assignment_id "
    "role_definition_id conditional expires",
    "access_targets": "job_id relation target_id target_type set_id",
    "access_sets": "set_id scope",
    "access_answers": "job_id capability applicable complete reasons active eligible through_identity denied",
    "effective_access": "job_id capability way target_id principal_id principal_type access via_kind via_assignment_id "
    "role_definition_id scope group_path membership membership_expires conditional denied denied_by expires steps "
    "through_identity through_way through_assignment_id",
    "role_eligibility": "eligibility_id scope principal_id principal_type role_definition_id role_guid condition "
    "created_on",
    "deny_assignments": "assignment_id name scope",
    "vault_access_policies": "vault_id principal_id application_id secrets",
    "exceptions": "id control_id job_id subject severity category justification compensating_control requester "
    "approver approved_on ticket expires state used detail",
    "locks": "lock_id name subscription_id scope level notes owners",
    "policy_exemptions": "exemption_id name subscription_id scope category assignment_id definition_reference_ids "
    "display_name description expires created_by created_at modified_by modified_at metadata",
}
"""Every table that came after the first ones, and the columns of it that the report reads."""


def create(con: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """Make those of TABLES that aren't there, empty, and return their names."""
    mine = "database_name in (current_database(), 'temp') and schema_name = current_schema()"
    tables = f"select table_name as name from duckdb_tables() where {mine}"
    views = f"select view_name as name from duckdb_views() where {mine}"
    there = {row["name"] for row in fetch(con, f"{tables} union {views}")}
    lacking = [name for name in TABLES if name not in there]
    for name in lacking:
        columns = ["row_id", "observed_at", "raw_ref", *TABLES[name].split()]
        schema = ", ".join(f'"{column}" {_type(name, column)}' for column in columns)
        con.execute(f'create or replace temp table "{name}" ({schema})')
    return frozenset(lacking)


def _type(table: str, column: str) -> str:
    return _TYPE_OF.get(f"{table}.{column}") or _TYPE_OF.get(column, "varchar")
