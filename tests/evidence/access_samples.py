"""What Azure and Microsoft Graph answer about denials, eligibility, activations and groups."""

from __future__ import annotations

from typing import Any

import samples

PROVIDER = f"{samples.SUBSCRIPTION_ID}/providers/Microsoft.Authorization"
GROUP = "aaaaaaaa-0000-4000-8000-000000000011"
INNER = "aaaaaaaa-0000-4000-8000-000000000012"
PERSON = "aaaaaaaa-0000-4000-8000-000000000021"
APPLICATION = "aaaaaaaa-0000-4000-8000-000000000031"
EVERYONE = "00000000-0000-0000-0000-000000000000"

DENY: dict[str, Any] = {
    "properties": {
        "denyAssignmentName": "Deny changes: stack orders",
        "description": "Created by a deployment stack.",
        "permissions": [
            {
                "actions": ["Microsoft.App/jobs/write"],
                "notActions": ["*/read"],
                "dataActions": [],
                "notDataActions": [],
                "condition": None,
                "conditionVersion": None,
            }
        ],
        "scope": samples.GROUP_ID,
        "doNotApplyToChildScopes": True,
        "principals": [{"id": EVERYONE, "type": "SystemDefined"}],
        "excludePrincipals": [{"id": GROUP, "type": "Group"}],
        "isSystemProtected": True,
        "condition": "@Resource[x] StringEquals 'y'",
        "conditionVersion": "2.0",
        "createdOn": "2026-08-01T10:00:00.1234567Z",
        "updatedOn": "2026-08-02T10:00:00.1234567Z",
        "createdBy": samples.PRINCIPAL,
        "updatedBy": samples.PRINCIPAL,
    },
    "id": f"{samples.GROUP_ID}/providers/Microsoft.Authorization/denyAssignments/d1",
    "type": "Microsoft.Authorization/denyAssignments",
    "name": "d1",
}
ELIGIBLE: dict[str, Any] = {
    "properties": {
        "scope": samples.SUBSCRIPTION_ID,
        "roleDefinitionId": f"{PROVIDER}/roleDefinitions/{samples.CONTRIBUTOR}",
        "principalId": PERSON,
        "principalType": "User",
        "status": "Provisioned",
        "roleEligibilityScheduleId": f"{PROVIDER}/RoleEligibilitySchedules/s1",
        "startDateTime": "2026-09-10T00:32:36.86Z",
        "endDateTime": "2027-09-10T00:31:41.477Z",
        "memberType": "direct",
        "createdOn": "2026-09-10T00:32:36.86Z",
        "condition": "@Resource[x] StringEquals 'y'",
        "conditionVersion": "2.0",
        "expandedProperties": {"principal": {"id": PERSON, "displayName": "Ada", "type": "User"}},
    },
    "name": "e1",
    "id": f"{PROVIDER}/RoleEligibilityScheduleInstances/e1",
    "type": "Microsoft.Authorization/RoleEligibilityScheduleInstances",
}
ACTIVE: dict[str, Any] = {
    "properties": {
        "originRoleAssignmentId": f"{PROVIDER}/roleAssignments/a1",
        "linkedRoleEligibilityScheduleId": "s1",
        "linkedRoleEligibilityScheduleInstanceId": "e1",
        "assignmentType": "activated",
        "scope": samples.SUBSCRIPTION_ID,
        "roleDefinitionId": f"{PROVIDER}/roleDefinitions/{samples.CONTRIBUTOR}",
        "principalId": PERSON,
        "principalType": "User",
        "status": "Provisioned",
        "roleAssignmentScheduleId": f"{PROVIDER}/RoleAssignmentSchedules/s2",
        "startDateTime": "2026-11-22T02:00:00.91Z",
        "endDateTime": "2026-11-22T10:00:00.91Z",
        "memberType": "Direct",
        "createdOn": "2026-11-22T02:00:00.91Z",
        "condition": None,
        "conditionVersion": None,
    },
    "name": "i1",
    "id": f"{PROVIDER}/RoleAssignmentScheduleInstances/i1",
    "type": "Microsoft.Authorization/RoleAssignmentScheduleInstances",
}
MEMBER: dict[str, Any] = {
    "@odata.type": "#microsoft.graph.user",
    "id": PERSON,
    "displayName": "Ada",
    "userPrincipalName": "ada@contoso.example",
    "accountEnabled": False,
    "userType": "Guest",
}
IN_GROUP: dict[str, Any] = {
    "@odata.type": "#microsoft.graph.privilegedAccessGroupEligibilityScheduleInstance",
    "id": f"{GROUP}_member_1",
    "startDateTime": "2026-02-06T19:36:37.073Z",
    "endDateTime": None,
    "accessId": "Member",
    "principalId": PERSON,
    "groupId": GROUP,
    "memberType": "Direct",
    "eligibilityScheduleId": f"{GROUP}_member_1",
    "principal": MEMBER,
}
