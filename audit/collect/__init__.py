"""Collect: plan units (kind × scope), read them side by side, end each as Collected or Gap, resume what is missing."""

from audit.collect.collector import collect
from audit.collect.extent import Extent, resolve
from audit.collect.progress import Progress, Silent

__all__ = ["Extent", "Progress", "Silent", "collect", "resolve"]
