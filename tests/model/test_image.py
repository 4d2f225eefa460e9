from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.model.image import parse

DIGEST = "sha256:" + "0a" * 32


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("busybox", ("docker.io", "library/busybox", None, None)),
        ("busybox:1.36", ("docker.io", "library/busybox", "1.36", None)),
        ("docker.io/busybox", ("docker.io", "library/busybox", None, None)),
        ("index.docker.io/org/app", ("docker.io", "org/app", None, None)),
        ("org/app:v4", ("docker.io", "org/app", "v4", None)),
        ("acr.azurecr.io/team/app:1.2", ("acr.azurecr.io", "team/app", "1.2", None)),
        ("acr.azurecr.io/app", ("acr.azurecr.io", "app", None, None)),
        (f"acr.azurecr.io/app@{DIGEST}", ("acr.azurecr.io", "app", None, DIGEST)),
        (f"acr.azurecr.io/app:2@{DIGEST}", ("acr.azurecr.io", "app", "2", DIGEST)),
        ("localhost/app", ("localhost", "app", None, None)),
        ("registry:5000/app", ("registry:5000", "app", None, None)),
        ("registry:5000/app:latest", ("registry:5000", "app", "latest", None)),
        ("mcr.microsoft.com/a/b/c:d", ("mcr.microsoft.com", "a/b/c", "d", None)),
    ],
)
def test_a_reference_is_read_as_docker_reads_it(reference, expected):
    assert tuple(parse(reference)) == expected


NAME = st.from_regex(r"[a-z0-9]{1,6}(/[a-z0-9]{1,6}){0,2}", fullmatch=True)


@given(
    host=st.sampled_from(["acr.azurecr.io", "localhost", "host:5000", "Upper"]),
    name=NAME,
    tag=st.none() | st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,10}", fullmatch=True),
    digest=st.none() | st.just(DIGEST),
)
def test_what_is_put_together_comes_apart(host, name, tag, digest):
    reference = f"{host}/{name}" + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")
    assert tuple(parse(reference)) == (host, name, tag, digest)


@given(st.text(max_size=40))
def test_no_text_breaks_it(reference):
    parse(reference)
