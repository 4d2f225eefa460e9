"""The firewall rules of vaults, registries, storage accounts and namespaces: two shapes that say the same."""

from __future__ import annotations

from audit.model.record import Json
from audit.model.wire import Text, Wire


class _Address(Wire, frozen=True, kw_only=True):
    value: Text

    @property
    def said(self) -> str | None:
        return self.value


class _SubnetRule(Wire, frozen=True, kw_only=True):
    id: Text

    @property
    def said(self) -> str | None:
        return self.id


class _Mask(Wire, frozen=True, kw_only=True):
    ip_mask: str | None = None

    @property
    def said(self) -> str | None:
        return self.ip_mask


class _Subnet(Wire, frozen=True, kw_only=True):
    id: str | None = None


class _NestedSubnet(Wire, frozen=True, kw_only=True):
    subnet: _Subnet | None = None

    @property
    def said(self) -> str | None:
        return self.subnet.id if self.subnet else None


class Rules(Wire, frozen=True, kw_only=True):
    """``networkAcls`` of a vault or an account, ``networkRuleSet`` of a registry."""

    default_action: str | None = None
    bypass: str | None = None
    ip_rules: list[_Address] | None = None
    virtual_network_rules: list[_SubnetRule] | None = None


class NamespaceRules(Wire, frozen=True, kw_only=True):
    """``networkRuleSets/default`` of a Service Bus or Event Hubs namespace, its properties."""

    default_action: str | None = None
    public_network_access: str | None = None
    trusted_service_access_enabled: bool | None = None
    ip_rules: list[_Mask] | None = None
    virtual_network_rules: list[_NestedSubnet] | None = None

    @property
    def bypass(self) -> str | None:
        """``AzureServices`` or ``None``, as vaults and accounts say it; None where Azure doesn't say."""
        if self.trusted_service_access_enabled is None:
            return None
        return "AzureServices" if self.trusted_service_access_enabled else "None"


def addresses(rules: Rules | NamespaceRules) -> Json | None:
    """Return the column ``ip_rules``: the addresses and ranges (CIDR) that are let in; None where nothing is said."""
    return None if rules.ip_rules is None else Json([each.said for each in rules.ip_rules])


def subnets(rules: Rules | NamespaceRules) -> Json | None:
    """Return the column ``vnet_rules``: ids of the subnets that are let in; None where nothing is said."""
    return None if rules.virtual_network_rules is None else Json([each.said for each in rules.virtual_network_rules])
