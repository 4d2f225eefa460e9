"""Of an address or connection string in an environment variable, the place stays and everything else goes."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.model import marker
from audit.store.redaction import Redactor

SECRET = "Zk9" + "x7Qw" * 9 + "A="
REDACTOR = Redactor(b"a key for tests, of thirty-two by")


def environment(value: str, name: str = "CONNECTION") -> str:
    body = msgspec.json.encode({"env": [{"name": name, "value": value}]})
    return msgspec.json.decode(REDACTOR._body(body))["env"][0]["value"]


@pytest.mark.parametrize(
    ("value", "kept", "gone"),
    [
        (
            f"Endpoint=sb://sb-a.servicebus.windows.net/;SharedAccessKeyName=scaling;SharedAccessKey={SECRET}",
            ("Endpoint=sb://sb-a.servicebus.windows.net/", "SharedAccessKeyName=scaling"),
            (SECRET,),
        ),
        (
            f"Endpoint=sb://e.servicebus.windows.net/;SharedAccessKeyName=r;SharedAccessKey={SECRET};EntityPath=positions",
            ("EntityPath=positions",),
            (SECRET,),
        ),
        (
            f"DefaultEndpointsProtocol=https;AccountName=sta;AccountKey={SECRET}=;EndpointSuffix=core.windows.net",
            ("AccountName=sta", "EndpointSuffix=core.windows.net"),
            (SECRET,),
        ),
        ("amqps://customs:hunter2@mq.example:5671/customs", ("amqps://", "@mq.example:5671/customs"), ("hunter2",)),
        ("amqps://customs:p@ss/w0rd@mq.example/customs", ("@mq.example/customs",), ("p@ss", "w0rd")),
        (
            "postgresql://app:hunter2@pg.example:5432/shop?sslmode=x",
            ("@pg.example:5432/shop?",),
            ("hunter2", "sslmode"),
        ),
        (
            "Server=tcp:sql.example,1433;Database=shop;User ID=app;Password=hun=ter2;Encrypt=true;",
            ("Server=tcp:sql.example,1433", "Database=shop"),
            ("hun", "ter2", "=app"),
        ),
    ],
)
def test_the_place_stays_and_the_key_goes(value, kept, gone):
    shown = environment(value)
    assert all(part in shown for part in kept), shown
    assert not any(part in shown for part in gone), shown
    assert marker.detector(shown), "it still counts as a secret in plain sight"
    assert environment(shown) == shown, "what is redacted stays as it is"


@pytest.mark.parametrize(
    "value",
    [
        "Server=db.example;Password=hunter2;my secret=rest of it",
        "Server=db.example;Password=hunt;er2",
        "Endpoint=sb://u:hunter2@x/;SharedAccessKey=abc",
        "amqp://customs:hunter2",
        "Password=hunter2;Encrypt=true",
        f"https://hooks.example/services/{SECRET}",
        "hunter2",
    ],
)
def test_a_form_that_is_not_known_part_by_part_is_hidden_whole(value):
    shown = environment(value)
    assert marker.MARKER.fullmatch(shown) or not any(
        word in shown for word in ("hunter2", "hunt", "er2", "rest", SECRET)
    )
    assert "hunter2" not in shown
    assert "er2" not in shown
    assert "rest" not in shown


@given(st.text(st.characters(codec="utf-8", exclude_characters=";"), min_size=12, max_size=60))
def test_whatever_the_key_is_it_is_gone(key):
    before = "Endpoint=sb://sb-a.servicebus.windows.net/;SharedAccessKeyName=n;SharedAccessKey="
    shown = environment(before + key)
    assert marker.MARKER.fullmatch(shown.removeprefix(before)), "nothing stands there but what was known"


@given(st.text(st.characters(codec="utf-8"), min_size=12, max_size=60))
def test_whatever_the_password_of_a_broker_is_it_is_gone(password):
    shown = environment(f"amqps://customs:{password}@mq.example:5671/customs")
    assert marker.MARKER.sub("", shown) in {"", "amqps://:@mq.example:5671/customs"}
    assert environment(shown) == shown
