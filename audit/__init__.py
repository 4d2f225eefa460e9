"""jobaudit: audit evidence for Azure Container Apps event-driven jobs."""

__version__ = "0.1.0"
