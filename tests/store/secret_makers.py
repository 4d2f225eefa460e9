"""Secrets of many formats, made at run time so that no scanner finds one in this repository.

Each maker returns a text as people paste it somewhere, and the secret in it.
"""

from __future__ import annotations

import base64
import json
import string
from collections.abc import Callable
from random import Random
from urllib.parse import quote

ALNUM = string.ascii_letters + string.digits
Made = tuple[str, str]
Maker = Callable[[Random], Made]


def letters(random: Random, length: int, alphabet: str = ALNUM) -> str:
    return "".join(random.choices(alphabet, k=length))


def key(random: Random, size: int) -> str:
    return base64.b64encode(random.randbytes(size)).decode()


def urlsafe(random: Random, size: int) -> str:
    return base64.urlsafe_b64encode(random.randbytes(size)).decode().rstrip("=")


def password(random: Random) -> str:
    return letters(random, random.randint(9, 24), ALNUM + "!$^*()_+-.?~#@%/:")


def _hidden(text: str) -> Callable[[str], Made]:
    return lambda secret: (text.replace("{}", secret), secret)


def storage(random: Random) -> Made:
    secret = key(random, 64)
    name = letters(random, 8, string.ascii_lowercase)
    return (
        f"DefaultEndpointsProtocol=https;AccountName={name};AccountKey={secret};EndpointSuffix=core.windows.net",
        secret,
    )


def service_bus(random: Random) -> Made:
    secret = key(random, 32)
    return (
        f"Endpoint=sb://ns.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey={secret};EntityPath=q",
        secret,
    )


def sas_address(random: Random) -> Made:
    secret = quote(key(random, 32), "")
    return f"https://a.blob.core.windows.net/c/b?sv=2024-11-04&sp=rl&se=2029-01-01T00%3A00%3A00Z&sig={secret}", secret


def sas_encoded(random: Random) -> Made:
    text, secret = sas_address(random)
    return "callback=" + quote(text, ""), quote(secret, "")


def sas_encoded_twice(random: Random) -> Made:
    text, secret = sas_encoded(random)
    return quote(text, ""), quote(secret, "")


def sas_token(random: Random) -> Made:
    secret = quote(key(random, 32), "")
    return f"SharedAccessSignature sr=https%3A%2F%2Fns&sig={secret}&se=1700000000&skn=Root", secret


def jwt(random: Random) -> Made:
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in ({"typ": "JWT", "alg": "RS256"}, {"sub": letters(random, 12), "aud": "x"})
    ]
    token = ".".join((*parts, urlsafe(random, 64)))
    return token, token


def basic(random: Random) -> Made:
    secret = base64.b64encode(f"user:{letters(random, 14)}".encode()).decode()
    return f"Authorization: Basic {secret}", secret


def pem(random: Random) -> Made:
    kind = random.choice(["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "])
    body = key(random, 96)
    fence = "-" * 5
    lines = "\n".join(body[start : start + 64] for start in range(0, len(body), 64))
    return f"{fence}BEGIN {kind}PRIVATE KEY{fence}\n{lines}\n{fence}END {kind}PRIVATE KEY{fence}", body[:60]


def pem_in_base64(random: Random) -> Made:
    text, _ = pem(random)
    secret = base64.b64encode(text.encode()).decode()
    return secret, secret[40:]


def marked(mark: str, *, before: int, after: int, end: str) -> Maker:
    def make(random: Random) -> Made:
        secret = letters(random, before) + mark + letters(random, after) + end
        return secret, secret

    return make


def prefixed(prefix: str, length: int, alphabet: str = ALNUM) -> Maker:
    def make(random: Random) -> Made:
        secret = prefix + letters(random, length, alphabet)
        return secret, secret

    return make


def around(text: str, make: Callable[[Random], str]) -> Maker:
    def made(random: Random) -> Made:
        return _hidden(text)(make(random))

    return made


def alone(make: Callable[[Random], str]) -> Maker:
    return around("{}", make)


def letters_of(length: int, alphabet: str = ALNUM) -> Callable[[Random], str]:
    return lambda random: letters(random, length, alphabet)


def key_of(size: int) -> Callable[[Random], str]:
    return lambda random: key(random, size)


def _entra(random: Random) -> Made:
    alphabet = ALNUM + "-_.~"
    secret = letters(random, 3) + "8Q~" + letters(random, 30, alphabet) + letters(random, 4)
    return secret, secret


def _devops(random: Random) -> Made:
    secret = letters(random, 51, "abcdefghijklmnopqrstuvwxyz234567") + "7"
    return secret, secret


def _openai(random: Random) -> Made:
    secret = "sk-" + letters(random, 20) + "T3Blbk" + "FJ" + letters(random, 20)
    return secret, secret


def _discord(random: Random) -> Made:
    secret = "M" + letters(random, 23) + "." + letters(random, 6) + "." + letters(random, 27)
    return secret, secret


MAKERS: dict[str, Maker] = {
    "storage connection string": storage,
    "storage key alone": alone(key_of(64)),
    "service bus connection string": service_bus,
    "32-byte key alone": alone(key_of(32)),
    "32-byte key in a sentence": around("the key is {}, keep it", key_of(32)),
    "cosmos connection string": around("AccountEndpoint=https://c.documents.azure.com:443/;AccountKey={};", key_of(64)),
    "app configuration": around("Endpoint=https://c.azconfig.io;Id=abcd;Secret={}", key_of(32)),
    "signalr": around("Endpoint=https://s.service.signalr.net;AccessKey={};Version=1.0;", key_of(32)),
    "iot hub": around("HostName=h.azure-devices.net;SharedAccessKeyName=o;SharedAccessKey={}", key_of(32)),
    "application insights": around(
        "InstrumentationKey={};IngestionEndpoint=https://westeurope-1.in.applicationinsights.azure.com/",
        lambda random: "-".join(letters(random, size, "0123456789abcdef") for size in (8, 4, 4, 4, 12)),
    ),
    "shared access signature": sas_address,
    "shared access signature, percent-encoded": sas_encoded,
    "shared access signature, percent-encoded twice": sas_encoded_twice,
    "service bus signature": sas_token,
    "logic app callback": around(
        "https://prod-1.westeurope.logic.azure.com/workflows/1/triggers/manual?sp=%2Frun&sv=1.0&sig={}", letters_of(43)
    ),
    "function address": around("https://f.azurewebsites.net/api/run?code={}&x=1", key_of(40)),
    "function host key": marked("AzFu", before=44, after=5, end="Q=" + "="),
    "search key": marked("AzSe", before=42, after=6, end=""),
    "registry password": marked("+ACR", before=42, after=6, end=""),
    "new devops token": marked("JQQJ99", before=52, after=26, end=""),
    "devops token": _devops,
    "entra client secret": _entra,
    "jwt": jwt,
    "bearer header": around("Authorization: Bearer {}", letters_of(40)),
    "basic header": basic,
    "private key": pem,
    "private key in base64": pem_in_base64,
    "ado.net password": around(
        "Server=tcp:s.database.windows.net;Database=d;User ID=u;Password={};Encrypt=True", password
    ),
    "ado.net pwd, last": around("Server=s;Uid=u;Pwd={}", password),
    "quoted password": around('Server=s;Password="{}";Encrypt=True', letters_of(20, ALNUM + ";=& ")),
    "libpq": around("host=h port=5432 dbname=d user=u password={} sslmode=require", letters_of(16, ALNUM + "!$^*_")),
    "redis": around("c.redis.cache.windows.net:6380,password={},ssl=True,abortConnect=False", key_of(32)),
    "redis address": around("rediss://:{}@c.redis.cache.windows.net:6380/0", letters_of(44)),
    "amqp address": around("amqps://user:{}@rabbit.example:5671/vhost", letters_of(20, ALNUM + "!$*_-.~")),
    "mongodb address": around("mongodb+srv://user:{}@c.mongo.example/?retryWrites=true", letters_of(18)),
    "postgres address": around("postgresql://user:{}@pg.example:5432/db", letters_of(18, ALNUM + "!$*@")),
    "jdbc": around("jdbc:sqlserver://h:1433;user=u;password={};encrypt=true", letters_of(18)),
    "jdbc oracle": around("jdbc:oracle:thin:scott/{}@//h:1521/x", letters_of(18)),
    "jdbc postgres": around("jdbc:postgresql://h/db?user=u&password={}&ssl=true", letters_of(18)),
    "kafka": around('org.apache.kafka.PlainLoginModule required username="u" password="{}";', letters_of(24)),
    "token in an address": around("https://{}@github.example/org/repo.git", letters_of(36)),
    "flag in a sentence": around("login --username u --password {} --verbose", letters_of(16)),
    "json in a sentence": around(
        'request was {"user": "u", "password": "{}"} and failed'.replace("{}", "{}"), letters_of(16)
    ),
    "header of functions": around("x-functions-key: {}", letters_of(54)),
    "aws access key id": prefixed("AKIA", 16, string.ascii_uppercase + string.digits),
    "aws secret key": around("aws_secret_access_key = {}", letters_of(40)),
    "google api key": prefixed("AIza", 35),
    "github token": prefixed("ghp_", 36),
    "github fine-grained token": prefixed("github_pat_", 82),
    "gitlab token": prefixed("glpat-", 20),
    "slack token": alone(
        lambda random: (
            f"xoxb-{letters(random, 12, string.digits)}-{letters(random, 12, string.digits)}-{letters(random, 24)}"
        )
    ),
    "slack webhook": around(
        "https://hooks.slack.com/services/{}",
        lambda random: f"T{letters(random, 8)}/B{letters(random, 8)}/{letters(random, 24)}",
    ),
    "teams webhook": around(
        "https://contoso.webhook.office.com/webhookb2/{}",
        lambda random: f"{letters(random, 32)}/IncomingWebhook/{letters(random, 32)}",
    ),
    "stripe key": prefixed("sk_live_", 24),
    "npm token": prefixed("npm_", 36),
    "npmrc": around("//npm.norvane.example/:_authToken={}", letters_of(36)),
    "pypi token": prefixed("pypi-AgEIcHlwaS5vcmc", 80),
    "sendgrid key": alone(lambda random: f"SG.{urlsafe(random, 16)}.{urlsafe(random, 32)}"),
    "twilio key": prefixed("SK", 32, "0123456789abcdef"),
    "openai key": _openai,
    "anthropic key": prefixed("sk-ant-api03-", 80),
    "discord token": _discord,
    "huggingface token": prefixed("hf_", 34),
    "vault token": prefixed("hvs.", 90),
    "databricks token": prefixed("dapi", 32, "0123456789abcdef"),
}
"""Name to maker; a test's failure names the format."""
