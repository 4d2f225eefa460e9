"""Reading the file that will be applied: what is taken, what is refused and in which words, and no value repeated."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from audit.change import document, proposal
from audit.errors import ConfigError

JOB = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-orders/providers/Microsoft.App/jobs/orders"
BOMB = "a: &a [l,l,l,l,l,l,l,l,l]\n" + "".join(
    f"{here}: &{here} [{','.join(['*' + before] * 9)}]\n" for before, here in ("ab", "bc", "cd", "de", "ef", "fg")
)
SECRET = "hush-4711-tell-nobody"


def write(folder: Path, text: str, name: str = "job.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    return path


def refusal(folder: Path, text: str, name: str = "job.yaml") -> str:
    with pytest.raises(ConfigError) as caught:
        proposal.read(write(folder, text, name))
    told = str(caught.value)
    assert name in told
    assert "what to do:" in told
    assert SECRET not in told
    assert SECRET not in repr(caught.value)
    return told


def job(**members: Any) -> dict[str, Any]:
    return {"id": JOB, **members}


def test_a_part_of_a_job_is_read_as_the_cli_reads_it(tmp_path: Path) -> None:
    (asked,) = proposal.read(
        write(
            tmp_path,
            f"""
id: {JOB}
type: Microsoft.App/jobs
systemData: {{createdBy: somebody}}
configuration:            # at the top: the CLI moves it
  replicaTimeout: 0x10
  triggerType: Event
properties:
  provisioningState: Succeeded
  template:
    containers:
      - name: main
        image: contoso.azurecr.io/main:1.0
        env:
          - {{name: SINCE, value: 2026-11-01}}
""",
        )
    )
    assert (asked.job_id, asked.name, asked.resource_group, asked.whole) == (JOB, "orders", "rg-orders", False)
    assert asked.members == {
        "properties": {
            "configuration": {"replicaTimeout": 16, "triggerType": "Event"},
            "template": {
                "containers": [
                    {
                        "name": "main",
                        "image": "contoso.azurecr.io/main:1.0",
                        "env": [{"name": "SINCE", "value": "2026-11-01"}],
                    }
                ]
            },
        }
    }
    assert asked.notes == ("Azure sets these itself, so they were left out: systemData, properties.provisioningState",)


def test_several_documents_and_lists(tmp_path: Path) -> None:
    text = "name: a\ntags: {x: y}\n---\n---\n[{name: b}, {name: c, resourceGroup: g}]\n"
    asked = proposal.read(write(tmp_path, text))
    assert [(each.name, each.resource_group, each.place) for each in asked] == [
        ("a", "", "document 1"), ("b", "", "document 3, item 1"), ("c", "g", "document 3, item 2")
    ]  # fmt: skip
    assert len({each.sha256 for each in asked}) == 1


def test_a_template_of_literal_values_replaces_the_job(tmp_path: Path) -> None:
    resources = [
        {
            "type": "Microsoft.App/jobs",
            "apiVersion": "2025-07-01",
            "name": "orders",
            "properties": {"template": {"containers": [{"name": "a", "image": "b", "args": ["[[x]"]}]}},
        },
        {"type": "Microsoft.Storage/storageAccounts", "name": "[parameters('x')]"},
    ]
    for told in (resources, {"one": resources[0], "two": resources[1]}):
        (asked,) = proposal.read(write(tmp_path, json.dumps({"$schema": "…", "resources": told}), "t.json"))
        assert asked.whole
        assert asked.members["properties"]["template"]["containers"][0]["args"] == ["[x]"]
        assert asked.notes == (
            "the template holds other resources too, which were not looked at: Microsoft.Storage/storageAccounts",
        )


@pytest.mark.parametrize(
    ("members", "place", "words"),
    [
        ({"proprties": {}}, "proprties", 'did you mean "properties"'),
        ({"properties": {"Configuration": {}}}, "properties.Configuration", 'did you mean "configuration"'),
        ({"properties": {"configuration": {"replicaTimeout": "60"}}}, "replicaTimeout", "a whole number was expected"),
        ({"properties": {"configuration": {"replicaTimeout": True}}}, "replicaTimeout", "is a truth value"),
        ({"properties": {"template": {"containers": {}}}}, "properties.template.containers", "a list was expected"),
        (
            {"properties": {"template": {"containers": [{"env": [{"name": "a", "value": 1}]}]}}},
            "properties.template.containers[0].env[0].value",
            "put it in quotes",
        ),
        (
            {"properties": {"template": {"containers": [{"resources": {"cpu": SECRET}}]}}},
            "resources.cpu",
            "a number was expected",
        ),
        ({"tags": ["a"]}, "tags", "an object of names and values was expected"),
        ({"type": "Microsoft.App/containerApps"}, "type", "Container Apps job"),
        ({"name": "other"}, "name", "different jobs"),
        ({"resourceGroup": "rg-x"}, "resourceGroup", "different jobs"),
        ({"id": "/subscriptions/x/jobs/y"}, "id", "not the resource id of a job"),
        (
            {"properties": {"configuration": {"secrets": [{"name": "a", "value": f"x[redacted:00{SECRET}"}]}}},
            "properties.configuration.secrets[0].value",
            "a redaction mark must never reach production",
        ),
        ({"tags": {"[redacted:0123456789abcdef]": "x"}}, "tags", "redaction mark"),
        ({"location": "[resourceGroup().location]", "tags": {"a": "[parameters('x')]"}}, "tags.a", "[parameters(…)]"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, members: dict[str, Any], place: str, words: str) -> None:
    told = refusal(tmp_path, json.dumps(job(**members)), "job.json")
    assert place in told
    assert words in told
    assert words in refusal(tmp_path, json.dumps(job(**members)))


def test_an_expression_is_refused_in_a_template_whatever_its_function(tmp_path: Path) -> None:
    one = {"type": "Microsoft.App/jobs", "name": "orders", "location": f"[resourceGroup('{SECRET}').location]"}
    told = refusal(tmp_path, json.dumps({"resources": [one]}), "t.json")
    assert "[resourceGroup(…)]" in told
    assert "location" in told


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "asks for nothing"),
        ("[]", "asks for nothing"),
        ("- 1", "this is no job"),
        ("properties: {}", "names no job"),
        ("name: a/b", "no slash"),
        ("name: a\n---\nname: A\n", "document 1 too"),
        (f"id: {JOB}\n---\nid: {JOB.upper().replace('MICROSOFT.APP', 'microsoft.app')}\n", "document 1 too"),
        (f"name: a\ntags: {{x: {SECRET}, x: {SECRET}}}", "'x' stands twice"),
        (f"name: a\ntags: {{x: !secret {SECRET}}}", "the tag !secret is not taken"),
        (f"name: !!python/object/apply:os.system ['{SECRET}']", "is not taken"),
        (f'name: a\ntags: {{x: !required-input "{SECRET}"}}', "a required input is not filled in"),
        (f"name: a\ntags: {{x: '{SECRET}", "this is not YAML"),
        (f"name: a\ntags: *{SECRET}", "this is not YAML: found undefined alias"),
        (f"name: a\ntags: {{<<: {{x: {SECRET}}}}}", "merge key"),
        (f"name: a\n? [{SECRET}]\n: b", "a key that is not a text"),
        (f"name: a\ntags: {{x: {SECRET}\x07}}", "a character that YAML doesn't take"),
        ("name: a\ntags: &a [*a]", "levels deep"),
        ("[" * 300_000, "levels deep"),
        ("{a: " * 900 + "}" * 900, "levels deep"),
        ("name: .inf", "a number that JSON doesn't have"),
        ("name: " + "9" * 5000, "a number that JSON doesn't have"),
        ("name: a\nconfiguration: {}\nproperties: {configuration: {}}", "stands at the top and under properties"),
        (BOMB, "each use of an alias counted"),
        ("#" + "x" * document.MOST_BYTES, "larger than 1 MiB"),
    ],
)  # fmt: skip
def test_hostile_yaml_is_refused(tmp_path: Path, text: str, words: str) -> None:
    assert words in refusal(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f'{{"name": "{SECRET}", }}', "this is not JSON"),
        ('{"name": "a", "name": "b"}', "stands twice"),
        ('{"name": NaN}', "none that JSON has"),
        ('{"name": "\\ud800"}', "half of a pair"),
        ("[" * 100_000, "levels deep"),
        ('{"a": ' * 50 + "1" + "}" * 50, "levels deep"),
    ],
)
def test_hostile_json_is_refused(tmp_path: Path, text: str, words: str) -> None:
    assert words in refusal(tmp_path, text, "job.json")


def test_which_document_is_wrong_is_named(tmp_path: Path) -> None:
    assert "job.yaml: document 2: tags" in refusal(tmp_path, "name: a\n---\nname: b\ntags: 1\n")


def test_no_file_and_no_text(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        proposal.read(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="can't be read"):
        proposal.read(tmp_path)
    (tmp_path / "x.yaml").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(ConfigError, match="not text in UTF-8"):
        proposal.read(tmp_path / "x.yaml")


def test_what_was_asked_never_shows_itself(tmp_path: Path) -> None:
    secrets = {"secrets": [{"name": "a", "value": SECRET}]}
    asked = proposal.read(write(tmp_path, json.dumps(job(properties={"configuration": secrets}))))
    assert SECRET not in repr(asked) + str(asked[0]) + f"{asked[0]}"
    assert asked[0].members["properties"]["configuration"] == secrets
