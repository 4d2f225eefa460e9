"""Secrets that show by their own shape: those of Azure, and those that detect-secrets lacks or ends too early.

Azure's shapes are lengths, and the marks that its newer keys carry at a fixed place
(https://github.com/microsoft/security-utilities).
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

_START = r"(?<![A-Za-z0-9+/_\-~.])"
_END = r"(?![A-Za-z0-9+/_\-~=])"
_NO_WORD = r"(?<![A-Za-z0-9])"


class Format(NamedTuple):
    """A secret's shape.

    ``needles``: texts of which one must be there, or the pattern need not be tried. The secret is the group whose name
    begins with ``secret``, else the whole match. ``accept`` may refuse what only looks like one.
    """

    detector: str
    needles: tuple[str, ...]
    pattern: re.Pattern[str]
    accept: Callable[[str], bool] | None = None


def _mixed(secret: str) -> bool:
    """Tell whether letters of both cases are there, as in every key; a path or a name in capitals has one."""
    return secret != secret.lower() and secret != secret.upper()


def _mixed_with_digit(secret: str) -> bool:
    return _mixed(secret) and any(char.isdigit() for char in secret)


def _basic(secret: str) -> bool:
    try:
        return b":" in base64.b64decode(secret + "=" * (-len(secret) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False


def _not_public(secret: str) -> bool:
    """Refuse a certificate or a public key: anyone may read it."""
    head = base64.b64decode(secret[:40])
    return b"CERT" not in head and b"PUBLIC" not in head


_MARKS = "+ASt +ABa +AMC +ASb +AEh +ARm +ACR ACDb AIoT AZEG AzCa APIM AzSe AzFu ACLD AISK JQQJ99 JQQJ9D JQQJ9H"
_MARKED = "|".join(re.escape(mark) for mark in _MARKS.split())

OWN: tuple[Format, ...] = (
    Format(
        "private-key",
        ("PRIVATE KEY", "PuTTY"),
        re.compile(
            r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----.*?"
            r"(?:-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----|\Z)|PuTTY-User-Key-File-\d.*",
            re.DOTALL,
        ),
    ),
    Format("private-key", ("LS0tLS1CRUdJTi",), re.compile(r"LS0tLS1CRUdJTi[A-Za-z0-9+/=\s]{28,}"), _not_public),
    Format(
        "jwt",
        ("eyJ",),
        re.compile(r"eyJ[A-Za-z0-9_=-]{6,2048}\.[A-Za-z0-9_=-]{6,}(?:\.[A-Za-z0-9_.+/=-]*){0,3}"),
    ),
    Format(
        "bearer-token",
        ("earer ", "EARER "),
        re.compile(r"\b(?:[Bb]earer|BEARER)\s+(?P<secret>[A-Za-z0-9\-._~+/]{16,}=*)"),
    ),
    Format(
        "basic-auth", ("asic ", "ASIC "), re.compile(r"\b(?:[Bb]|B)asic\s+(?P<secret>[A-Za-z0-9+/]{4,}={0,2})"), _basic
    ),
    Format(
        "azure-key",
        tuple(_MARKS.split()),
        re.compile(rf"{_START}[A-Za-z0-9+/_-]{{30,80}}(?:{_MARKED})[A-Za-z0-9+/_-]{{5,}}={{0,2}}"),
    ),
    Format("azure-key", ("==",), re.compile(rf"{_START}[A-Za-z0-9+/]{{86}}=={_END}"), _mixed),
    Format("azure-key", ("=",), re.compile(rf"{_START}(?:[A-Za-z0-9+/]{{43}}|[A-Za-z0-9_-]{{43}})={_END}"), _mixed),
    Format("azure-function-key", ("==",), re.compile(rf"{_START}[A-Za-z0-9+/_-]{{54}}=={_END}"), _mixed),
    Format("entra-client-secret", ("Q~",), re.compile(r"(?<![\w~.-])[\w~.-]{3}\dQ~[\w~.-]{31,34}(?![\w~-])")),
    Format(
        "entra-client-secret",
        ("~",),
        re.compile(r"(?<![\w~./-])(?=[\w.-]{0,43}~)[\w~.-]{34,44}(?![\w~-])"),
        _mixed_with_digit,
    ),
    Format("azure-devops-token", (), re.compile(rf"{_START}(?=[a-z]*[2-7])[a-z2-7]{{52}}{_END}")),
    Format("github-token", ("github_pat_",), re.compile(rf"{_NO_WORD}github_pat_\w{{22,}}")),
    Format(
        "slack-token",
        ("xox", "xapp-"),
        re.compile(rf"{_NO_WORD}xox[a-z]-[A-Za-z0-9-]{{10,}}|{_NO_WORD}xapp-\d-[A-Za-z0-9-]{{10,}}"),
    ),
    Format(
        "webhook",
        ("hooks.slack.com", "/api/webhooks/", ".webhook.office.com"),
        re.compile(
            r"https://hooks\.slack\.com/(?P<secret>(?:services|workflows|triggers)/[\w/-]+)"
            r"|https://[\w.-]*\bdiscord(?:app)?\.com/api/webhooks/(?P<secret_discord>\d+/[\w-]+)"
            r"|https://[\w.-]+\.webhook\.office\.com/(?P<secret_teams>webhookb2/[\w@/-]+)"
        ),
    ),
    Format(
        "stripe-key",
        ("_live_", "_test_", "whsec_"),
        re.compile(rf"{_NO_WORD}(?:[rs]k_(?:live|test)|whsec)_[0-9A-Za-z]{{16,}}"),
    ),
    Format("artifactory-token", ("AKC",), re.compile(rf"{_NO_WORD}AKC[A-Za-z0-9]{{10,}}"), _mixed_with_digit),
    Format("npm-token", ("npm_",), re.compile(rf"{_NO_WORD}npm_[A-Za-z0-9]{{36}}")),
    Format(
        "google-key",
        ("AIza", "GOCSPX-", "ya29."),
        re.compile(rf"{_NO_WORD}(?:AIza[\w-]{{35}}|GOCSPX-[\w-]{{20,}}|ya29\.[\w-]{{20,}})"),
    ),
    Format("anthropic-key", ("sk-ant-",), re.compile(rf"{_NO_WORD}sk-ant-[\w-]{{20,}}")),
    Format("openai-key", ("sk-",), re.compile(rf"{_NO_WORD}sk-[\w-]{{20,}}"), _mixed_with_digit),
    Format("vault-token", ("hvs.", "hvb.", "hvr."), re.compile(rf"{_NO_WORD}hv[sbr]\.[\w-]{{20,}}")),
    Format("databricks-token", ("dapi",), re.compile(rf"{_NO_WORD}dapi[0-9a-f]{{32}}")),
    Format("docker-token", ("dckr_",), re.compile(rf"{_NO_WORD}dckr_[po]at_[\w-]{{20,}}")),
    Format("huggingface-token", ("hf_",), re.compile(rf"{_NO_WORD}hf_[A-Za-z0-9]{{30,}}")),
    Format("digitalocean-token", ("_v1_",), re.compile(rf"{_NO_WORD}do[opr]_v1_[0-9a-f]{{64}}")),
    Format("grafana-token", ("glsa_", "glc_"), re.compile(rf"{_NO_WORD}gl(?:sa|c)_[\w=+/-]{{32,}}")),
    Format(
        "aws-secret-key",
        ("aws", "AWS", "Aws"),
        re.compile(
            r"(?i)aws.{0,20}?(?:key|secret).{0,20}?[^A-Za-z0-9/+](?P<secret>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])"
        ),
    ),
)
