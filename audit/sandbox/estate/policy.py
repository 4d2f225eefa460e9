"""What the company has agreed on: the baselines that its estate keeps or breaks."""

from __future__ import annotations

REQUIRED_TAGS = ("owner", "environment", "cost-centre", "runbook")
APPROVED_REGISTRIES = ("norvane.azurecr.io", "norvaneshared.azurecr.io")
APPROVED_VAULTS = ("https://kv-norvane-prod.vault.azure.net", "https://kv-norvane-shared.vault.azure.net")
