"""Secrets that show by their own shape, wherever they stand.

Azure's shapes are ours: lengths, and the marks that its newer keys carry at a fixed place
(https://github.com/microsoft/security-utilities). The others come from the plugins of detect-secrets, which keeps that
list; where its expression finds a secret without covering it to the end, or finds too much, an own one stands here.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_START = r"(?<![A-Za-z0-9+/_\-~.=])"
_END = r"(?![A-Za-z0-9+/_\-~=])"
_NO_WORD = r"(?<![A-Za-z0-9])"


class Format(NamedTuple):
    """A secret's shape. Group ``secret`` is what is hidden, else the whole match; ``accept`` may refuse a match."""

    detector: str
    pattern: re.Pattern[str]
    accept: Callable[[str], bool] | None = None


def _mixed(secret: str) -> bool:
    """Keys in base64 have letters of both cases; a path or a name in capitals doesn't."""
    return secret != secret.lower() and secret != secret.upper()


def _mixed_with_digit(secret: str) -> bool:
    return _mixed(secret) and any(char.isdigit() for char in secret)


def _basic(secret: str) -> bool:
    try:
        return b":" in base64.b64decode(secret, validate=True)
    except (binascii.Error, ValueError):
        return False


def _not_public(secret: str) -> bool:
    """A certificate or a public key in base64 may be read by anyone."""
    head = base64.b64decode(secret[:60] + "===", validate=False)
    return b"CERT" not in head and b"PUBLIC" not in head


_MARKS = r"(?:\+ASt|ACDb|\+ABa|\+AMC|\+ASb|\+AEh|\+ARm|\+ACR|AIoT|AZEG|AzCa|APIM|AzSe|AzFu|ACLD|AISK|JQQJ9[9DH])"

OWN: tuple[Format, ...] = (
    Format(
        "private-key",
        re.compile(
            r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----.*?"
            r"(?:-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----|\Z)|PuTTY-User-Key-File-\d.*",
            re.DOTALL,
        ),
    ),
    Format("private-key", re.compile(r"LS0tLS1CRUdJTi[A-Za-z0-9+/=\s]{20,}"), _not_public),
    Format("jwt", re.compile(r"eyJ[A-Za-z0-9_=-]{6,}\.[A-Za-z0-9_=-]{6,}(?:\.[A-Za-z0-9_.+/=-]*){0,3}")),
    Format("bearer-token", re.compile(r"\b[Bb]earer\s+(?P<secret>[A-Za-z0-9\-._~+/]{16,}=*)")),
    Format("basic-auth", re.compile(r"\b[Bb]asic\s+(?P<secret>[A-Za-z0-9+/]{4,}={0,2})"), _basic),
    Format("azure-key", re.compile(rf"{_START}[A-Za-z0-9+/_-]{{30,80}}{_MARKS}[A-Za-z0-9+/_-]{{5,}}={{0,2}}")),
    Format("azure-key", re.compile(rf"{_START}[A-Za-z0-9+/]{{86}}=={_END}"), _mixed),
    Format("azure-key", re.compile(rf"{_START}[A-Za-z0-9+/]{{43}}={_END}"), _mixed),
    Format("azure-key", re.compile(rf"{_START}[A-Za-z0-9_-]{{43}}={_END}"), _mixed),
    Format("azure-function-key", re.compile(rf"{_START}[A-Za-z0-9+/_-]{{54}}=={_END}"), _mixed),
    Format("entra-client-secret", re.compile(r"(?<![\w~.-])[\w~.-]{3}\dQ~[\w~.-]{31,34}(?![\w~-])")),
    Format(
        "entra-client-secret",
        re.compile(r"(?<![\w~./-])(?=[\w.-]{0,43}~)[\w~.-]{34,44}(?![\w~-])"),
        _mixed_with_digit,
    ),
    Format("azure-devops-token", re.compile(rf"{_START}(?=[a-z]*[2-7])[a-z2-7]{{52}}{_END}")),
    Format("github-token", re.compile(rf"{_NO_WORD}github_pat_\w{{22,}}")),
    Format("slack-token", re.compile(rf"{_NO_WORD}xox[a-z]-[A-Za-z0-9-]{{10,}}|{_NO_WORD}xapp-\d-[A-Za-z0-9-]{{10,}}")),
    Format(
        "webhook",
        re.compile(
            r"https://hooks\.slack\.com/(?P<secret>(?:services|workflows|triggers)/[\w/-]+)"
            r"|https://[\w.-]*\bdiscord(?:app)?\.com/api/webhooks/(?P<discord>\d+/[\w-]+)"
            r"|https://[\w.-]+\.webhook\.office\.com/(?P<teams>webhookb2/[\w@/-]+)"
        ),
    ),
    Format("stripe-key", re.compile(rf"{_NO_WORD}(?:[rs]k_(?:live|test)|whsec)_[0-9A-Za-z]{{16,}}")),
    Format("artifactory-token", re.compile(rf"{_NO_WORD}AKC[A-Za-z0-9]{{10,}}"), _mixed_with_digit),
    Format("npm-token", re.compile(rf"{_NO_WORD}npm_[A-Za-z0-9]{{36}}")),
    Format("google-key", re.compile(rf"{_NO_WORD}(?:AIza[\w-]{{35}}|GOCSPX-[\w-]{{20,}}|ya29\.[\w-]{{20,}})")),
    Format("anthropic-key", re.compile(rf"{_NO_WORD}sk-ant-[\w-]{{20,}}")),
    Format("openai-key", re.compile(rf"{_NO_WORD}sk-[\w-]{{20,}}"), _mixed_with_digit),
    Format("vault-token", re.compile(rf"{_NO_WORD}hv[sbr]\.[\w-]{{20,}}")),
    Format("databricks-token", re.compile(rf"{_NO_WORD}dapi[0-9a-f]{{32}}")),
    Format("docker-token", re.compile(rf"{_NO_WORD}dckr_[po]at_[\w-]{{20,}}")),
    Format("huggingface-token", re.compile(rf"{_NO_WORD}hf_[A-Za-z0-9]{{30,}}")),
    Format("digitalocean-token", re.compile(rf"{_NO_WORD}do[opr]_v1_[0-9a-f]{{64}}")),
    Format("grafana-token", re.compile(rf"{_NO_WORD}gl(?:sa|c)_[\w=+/-]{{32,}}")),
    Format(
        "aws-secret-key",
        re.compile(
            r"(?i)aws.{0,20}?(?:key|secret).{0,20}?[^A-Za-z0-9/+](?P<secret>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])"
        ),
    ),
)

_HINTS = (
    "= % ~ \" ' :// -- earer asic -us[0-9] aws AWS Aws key: Key: oken: pass Pass PASS pwd Pwd PWD LS0t eyJ PuTTY \\+A[SBMERC] "
    "ACDb AIoT AZEG AzCa APIM AzSe AzFu ACLD AISK JQQJ9 gh[a-z]+_ gl[a-z]+[-_] GR13489 xox xapp rk_ sk_ sk- whsec npm_ "
    "pypi- AIza GOCSPX ya29 hv[sbr][.] dapi dckr hf_ do[opr]_ A3T AKIA ASIA ABIA ACCA AKC AC[a-z0-9]{32} SK[a-z0-9]{32} "
    "SG[.] sq0"
).split()


def _by_first(hints: Sequence[str]) -> re.Pattern[str]:
    """Join hints by their first character: only then can the engine skip to the next place where one may begin."""
    rest: dict[str, list[str]] = {}
    for hint in hints:
        first = hint[:2] if hint.startswith("\\") else hint[:1]
        rest.setdefault(first, []).append(hint[len(first) :])
    return re.compile("|".join(f"{first}(?:{'|'.join(ends)})" for first, ends in rest.items()))


_HINT = _by_first(_HINTS)
_LONG_HINTS = (
    re.compile(r"[a-z2-7]{52}"),
    re.compile(r"\.[A-Za-z0-9_-]{6}\."),
    re.compile(r":[A-Za-z0-9_-]{35}"),
)
_LONG = 44


def may_hold_secret(text: str) -> bool:
    """Tell cheaply whether any format could match: wider than all of them together."""
    if _HINT.search(text) is not None:
        return True
    return len(text) >= _LONG and any(hint.search(text) is not None for hint in _LONG_HINTS)


def kept() -> Iterator[Format]:
    """Yield the formats that detect-secrets keeps. Imported here: its plugins bring an HTTP client along."""
    from detect_secrets.plugins import (  # noqa: PLC0415
        aws,
        discord,
        github_token,
        gitlab_token,
        mailchimp,
        openai,
        pypi_token,
        sendgrid,
        slack,
        square_oauth,
        stripe,
        telegram_token,
        twilio,
    )

    plugins: tuple[tuple[str, list[re.Pattern[str]]], ...] = (
        ("aws-access-key", list(aws.AWSKeyDetector.denylist[:1])),
        ("discord-token", list(discord.DiscordBotTokenDetector.denylist)),
        ("github-token", list(github_token.GitHubTokenDetector.denylist)),
        ("gitlab-token", list(gitlab_token.GitLabTokenDetector.denylist)),
        ("mailchimp-key", list(mailchimp.MailchimpDetector.denylist)),
        ("openai-key", list(openai.OpenAIDetector.denylist)),
        ("pypi-token", list(pypi_token.PypiTokenDetector.denylist)),
        ("sendgrid-key", list(sendgrid.SendGridDetector.denylist)),
        ("slack-token", list(slack.SlackDetector.denylist)),
        ("square-secret", list(square_oauth.SquareOAuthDetector.denylist)),
        ("stripe-key", list(stripe.StripeDetector.denylist)),
        ("telegram-token", list(telegram_token.TelegramBotTokenDetector.denylist)),
        ("twilio-key", list(twilio.TwilioKeyDetector.denylist)),
    )
    for detector, patterns in plugins:
        for pattern in patterns:
            # a token begins where a word begins, and goes on as long as its characters do
            whole = rf"(?<![A-Za-z0-9])(?P<secret>(?:{pattern.pattern})[A-Za-z0-9_\-]*)"
            yield Format(detector, re.compile(whole, pattern.flags & ~re.UNICODE))
