"""The formats that detect-secrets keeps (https://github.com/Yelp/detect-secrets), as far as they cover a secret whole.

Left out: plugins that judge by context or entropy (ours do that by place), and those whose expression takes words for
secrets (Artifactory's passwords) or ends before the secret does (JWT, private keys, basic authentication).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from audit.store.redaction.formats import Format

if TYPE_CHECKING:
    from collections.abc import Iterator


def formats() -> Iterator[Format]:
    """Yield them. The plugins are imported here, because they bring an HTTP client along."""
    from detect_secrets.plugins import (  # noqa: PLC0415  half a second that reading a run doesn't pay
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

    plugins = (
        ("aws-access-key", ("A3T", "ABIA", "ACCA", "AKIA", "ASIA"), aws.AWSKeyDetector.denylist[:1]),
        ("discord-token", (".",), discord.DiscordBotTokenDetector.denylist),
        ("github-token", ("gh",), github_token.GitHubTokenDetector.denylist),
        ("gitlab-token", ("gl", "GR1348941"), gitlab_token.GitLabTokenDetector.denylist),
        ("mailchimp-key", ("-us",), mailchimp.MailchimpDetector.denylist),
        ("openai-key", ("T3BlbkFJ",), openai.OpenAIDetector.denylist),
        ("pypi-token", ("pypi-",), pypi_token.PypiTokenDetector.denylist),
        ("sendgrid-key", ("SG.",), sendgrid.SendGridDetector.denylist),
        ("slack-token", ("xox", "XOX"), slack.SlackDetector.denylist[:1]),
        ("square-secret", ("sq0csp-",), square_oauth.SquareOAuthDetector.denylist),
        ("stripe-key", ("k_live_",), stripe.StripeDetector.denylist),
        ("telegram-token", (":",), telegram_token.TelegramBotTokenDetector.denylist),
        ("twilio-key", ("AC", "SK"), twilio.TwilioKeyDetector.denylist),
    )
    for detector, needles, patterns in plugins:
        for pattern in patterns:
            # a token begins where a word begins, and goes on as long as its characters do
            whole = rf"(?<![A-Za-z0-9])(?P<secret>(?:{pattern.pattern})[A-Za-z0-9_\-]*)"
            yield Format(detector, needles, re.compile(whole, pattern.flags & ~re.UNICODE))
