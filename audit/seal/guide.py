"""VERIFY.md: how to check a pack with sha256sum, openssl and a shell alone; each command runs as it is printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.seal import timestamp

if TYPE_CHECKING:
    from audit.seal.head import PackHead

GUIDE = "VERIFY.md"

_WHOLE = """\
# How to check this pack

Run the commands in the pack's folder. Each ends with exit code 0 where all is well.

## 1. Nothing was changed, nothing is missing

```sh
sha256sum --check --strict --quiet SHA256SUMS
```

It prints nothing where every file has the digest that `SHA256SUMS` lists.

## 2. Nothing was added

```sh
test "$(find . ! -type d ! -path './approvals/*' ! -path ./SHA256SUMS ! -path ./SHA256SUMS.sig \\
  ! -path ./SHA256SUMS.tsr ! -path ./attestation.dsse.json -printf x | wc -c)" -eq "$(wc -l < SHA256SUMS)"
```

There are as many files as `SHA256SUMS` lists. `approvals/` is not under the seal: people add to it later.

"""

_SIGNED = """\
## 3. Who signed it

Get the signer's public key from the signer, not from this pack, and put it beside the pack's folder as `pub.pem`.

```sh
openssl dgst -sha256 -verify ../pub.pem -signature SHA256SUMS.sig SHA256SUMS
```

It prints `Verified OK`. The pack says that this key signed it (the id is the SHA-256 of the public key):

```sh
test "$(openssl pkey -pubin -in ../pub.pem -outform DER | sha256sum | cut -d' ' -f1)" = \\
  {keyid}
```

## 4. What the signer attests

`attestation.dsse.json` is an in-toto Statement in a DSSE envelope: run, caller, scope, window, counts, gaps, digests of
configuration and controls, and the digest of the pack before this one. This checks its signature, then shows it:

```sh
(
set -e
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
sed -n 's/^ *"payload": "\\([^"]*\\)",*$/\\1/p' attestation.dsse.json | base64 -d > "$work/statement"
sed -n 's/^ *"sig": "\\([^"]*\\)",*$/\\1/p' attestation.dsse.json | base64 -d > "$work/sig"
size=$(wc -c < "$work/statement")
printf 'DSSEv1 28 application/vnd.in-toto+json %s ' "$size" > "$work/signed"
cat "$work/statement" >> "$work/signed"
openssl dgst -sha256 -verify ../pub.pem -signature "$work/sig" "$work/signed"
grep -q "\\"sha256\\":\\"$(sha256sum < SHA256SUMS | cut -d' ' -f1)\\"" "$work/statement"
cat "$work/statement"
)
```

"""

_UNSIGNED = """\
## 3. Who signed it

**Nobody. This pack is not signed.** The commands above show that its files agree with each other, not who made them:
whoever can change a file can change `SHA256SUMS` too. Compare the digest of `SHA256SUMS` with one that you got another
way:

```sh
sha256sum SHA256SUMS
```

`attestation.dsse.json` says run, caller, scope, window, counts, gaps, and the digest of the pack before this one. It
carries no signature either.

"""

_UNTIMED = """\
## {number}. When it was made

Times in this pack are those of the clocks of the machine that collected and of Azure. No timestamp authority confirms
them.

"""

_TIMED = """\
## {number}. When it was made

Times in this pack are those of the clocks of the machine that collected and of Azure. That `{stamped}` was there by
the time that `SHA256SUMS.tsr` (RFC 3161) says, the timestamp authority at {authority} confirms.
Get its root certificate from its operator, not from this pack, and put it beside the pack's folder as `tsa-ca.pem`.

```sh
openssl ts -verify -in SHA256SUMS.tsr -data {stamped} -CAfile ../tsa-ca.pem
```

It prints `Verification: OK`. This shows the time:

```sh
openssl ts -reply -in SHA256SUMS.tsr -text
```

"""

_REST = """\
## {more}. What people said about it

`approvals/` holds statements about the digest of `SHA256SUMS`, each with the digest of the one before it. One with a
file `.sig` beside it is signed with the key of whoever made it; check it with that person's key as in step 3:
`openssl dgst -sha256 -verify KEY -signature FILE.sig FILE`. The others are only asserted.

## {last}. The rest

`jobaudit verify` checks all of this and what these commands can't: a renamed pack, a broken chain, counts, a report or
workbook that says something else than the tables, and with `--deep` whether the raw answers still give the tables.
"""


def text(about: PackHead) -> str:
    """Return VERIFY.md for a pack."""
    signed = _SIGNED.format(keyid=about.signer.keyid) if about.signer else _UNSIGNED
    number = 5 if about.signer else 4
    untimed = _UNTIMED.format(number=number)
    words = {"number": number, "stamped": timestamp.stamped(about), "authority": about.timestamp_authority}
    timed = _TIMED.format(**words) if about.timestamp_authority else untimed
    return _WHOLE + signed + timed + _REST.format(more=number + 1, last=number + 2)
