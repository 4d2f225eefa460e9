"""One job that stands on everything there is, each thing in a resource group of its own."""

from __future__ import annotations

from access_estate import Assignment, Block, Estate, Job, Rule

SUB = "aaaaaaaa-0000-4000-a000-000000000001"
HERE = f"/subscriptions/{SUB}"


def place(kind: str, name: str) -> str:
    """Return the id of a resource in a resource group called as it is."""
    return f"{HERE}/resourceGroups/rg-{name}/providers/{kind}/{name}"


JOB = place("Microsoft.App/jobs", "orders")
ENVIRONMENT = place("Microsoft.App/managedEnvironments", "env")
WORKSPACE = place("Microsoft.OperationalInsights/workspaces", "logs")
IDENTITY = place("Microsoft.ManagedIdentity/userAssignedIdentities", "id")
BUS = place("Microsoft.ServiceBus/namespaces", "bus")
HUB = place("Microsoft.EventHub/namespaces", "hub")
STORE = place("Microsoft.Storage/storageAccounts", "store")
QUEUE = f"{BUS}/queues/in"
TOPIC = f"{BUS}/topics/news"
SUBSCRIPTION = f"{TOPIC}/subscriptions/all"
EVENTHUB = f"{HUB}/eventhubs/clicks"
STORAGE_QUEUE = f"{STORE}/queueServices/default/queues/q"
CONTAINER = f"{STORE}/blobServices/default/containers/c"
VAULT = place("Microsoft.KeyVault/vaults", "kv-rbac")
OLD_VAULT = place("Microsoft.KeyVault/vaults", "kv-policies")
REGISTRY = place("Microsoft.ContainerRegistry/registries", "images")
ITS_PRINCIPAL = "identity-principal"


def estate(roles: dict[str, tuple[Block, ...]], *assignments: Assignment, **others: object) -> Estate:
    """Return the job's estate with these roles given."""
    job = Job(
        id=JOB,
        environment=ENVIRONMENT,
        workspaces=(WORKSPACE,),
        identities=(IDENTITY,),
        rules=(
            Rule(source=BUS, entity=QUEUE),
            Rule(source=BUS, entity=SUBSCRIPTION),
            Rule(source=HUB, entity=EVENTHUB),
            Rule(source=STORE, entity=STORAGE_QUEUE),
            Rule(source=STORE, entity=CONTAINER),
        ),
        vaults=(VAULT, OLD_VAULT),
        registries=(REGISTRY,),
    )
    given: dict[str, object] = {
        "jobs": (job,),
        "above": {SUB: ()},
        "principal_of": {IDENTITY: ITS_PRINCIPAL},
        "refuses_keys": {BUS: None, HUB: None, STORE: None},
        "rbac": {VAULT: True, OLD_VAULT: None},
        "admin_user": {REGISTRY: True},
        "roles": roles,
        "assignments": assignments,
    }
    return Estate(**given | others)  # type: ignore[arg-type]
