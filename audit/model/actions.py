"""Whether a role grants an action: permission blocks, one by one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import msgspec


class Block(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One permission block of a role, as Azure sends it."""

    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()
    not_data_actions: tuple[str, ...] = ()
    condition: str | None = None
    """Attribute-based condition of the whole block, as written; granted() doesn't read it."""


def granted(blocks: Iterable[Block], action: str, *, data: bool = False) -> bool:
    """Tell whether some block's actions match and that same block's exclusions don't.

    What one block excludes another may still grant: exclusions are not denials. ``data`` asks the data plane.
    """
    return any(
        matches(block.data_actions if data else block.actions, action)
        and not matches(block.not_data_actions if data else block.not_actions, action)
        for block in blocks
    )


def matches(patterns: Sequence[str], action: str) -> bool:
    """Tell whether one of the patterns covers the action; ``*`` stands for any text, casing doesn't count.

    Between two slashes it stands for nothing as well: ``vaults/*/read`` covers ``vaults/read``. Azure's own roles rest
    on that: it is all by which Key Vault Reader reads vaults and Managed Identity Operator assigns identities.
    https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/identity#managed-identity-operator
    """
    return any(_compiled(pattern.lower()).fullmatch(action.lower()) is not None for pattern in patterns)


def blocks(permissions: Any) -> tuple[Block, ...]:
    """Return the blocks of a ``permissions`` list, as stored. Raises msgspec.ValidationError on another shape."""
    return msgspec.convert(permissions, tuple[Block, ...])


@lru_cache(maxsize=8192)
def _compiled(pattern: str) -> re.Pattern[str]:
    text = ".*".join(re.escape(part) for part in pattern.split("*"))
    return re.compile(re.sub(r"/\.\*(?=/)", "(?:/.*)?", text), re.DOTALL)
