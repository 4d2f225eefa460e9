"""Make config/scalers.json: KEDA's parameters of every scaler, and beside them what our own table says for jobs.

``python docs/scaler_catalogue.py SCHEMA.json`` takes the parameters from KEDA's published scaler schema (the file that
a release of KEDA carries for tools) and our table from config/scalers-jobs.toml. Without an argument the parameters
stay as they are and only our table is taken over. The result has one line per parameter, so a change shows as such.
"""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from typing import Any

CONFIG = Path(__file__).resolve().parent.parent / "config"
TARGET = CONFIG / "scalers.json"
TABLE = CONFIG / "scalers-jobs.toml"

_PLACES = {
    "metadataVariableReadable": "metadata",
    "envVariableReadable": "env",
    "triggerAuthenticationVariableReadable": "auth",
}
_OF_THE_SCALER = "This scaler is "


def from_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """Return KEDA's part of the catalogue from its published schema."""
    scalers = {}
    for each in schema["scalers"]:
        parameters: dict[str, Any] = {}
        told: list[str] = []
        for wire in each["parameters"]:
            end = wire.get("deprecated") or wire.get("deprecatedAnnounce")
            if end and end.startswith(_OF_THE_SCALER):
                told.append(end)
                end = None
            parameters[wire["name"]] = _joined(parameters.get(wire["name"]), _parameter(wire, end))
        scaler = {"deprecated": told[0]} if told else {}
        scalers[each["type"].lower()] = {**scaler, "parameters": parameters}
    return {"keda": schema["kedaVersion"], "scalers": dict(sorted(scalers.items()))}


def _parameter(wire: dict[str, Any], deprecated: str | None) -> dict[str, Any]:
    places = [word for flag, word in _PLACES.items() if wire.get(flag)]
    required = not wire.get("optional") and "default" not in wire
    found = {
        "type": wire["type"] if wire["type"] != "string" else None,
        "default": wire.get("default"),
        "required": required or None,
        "from": places,
        "allowed": wire.get("allowedValue"),
        "deprecated": dict.fromkeys(places, deprecated) if deprecated else None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _joined(first: dict[str, Any] | None, second: dict[str, Any]) -> dict[str, Any]:
    """Return one parameter of two that share a name: KEDA lists one whose places differ in what it says of them."""
    if first is None:
        return second
    places = sorted({*first["from"], *second["from"]}, key=list(_PLACES.values()).index)
    joined = {**second, **first, "from": places}
    if not (first.get("required") and second.get("required")):
        joined.pop("required", None)
    return joined


def merged(keda: dict[str, Any], table: dict[str, Any]) -> dict[str, Any]:
    """Return the catalogue: KEDA's part with our table laid over it. Raises KeyError for a name KEDA hasn't."""
    scalers = {name: {**each, "parameters": dict(each["parameters"])} for name, each in keda["scalers"].items()}
    for name, scaler in scalers.items():
        scaler["identity"] = name in table["identity"]["scalers"]
    for name in table["identity"]["scalers"]:
        _known(scalers, name)
    for name, told in table["scalers"].items():
        scaler = _known(scalers, name)
        jobs = dict(told)
        parameters = scaler["parameters"]
        for parameter, facts in jobs.pop("parameters", {}).items():
            parameters[parameter] = {**parameters.get(parameter, {}), **facts}
        for parameter in jobs.pop("secrets", ()):
            parameters[parameter] = {**_known(parameters, parameter), "secret": True}
        _check(name, jobs, parameters)
        scaler["jobs"] = jobs
    order = ("deprecated", "identity", "jobs", "parameters")
    return {
        "keda": keda["keda"],
        "scalers": {name: {key: each[key] for key in order if key in each} for name, each in sorted(scalers.items())},
    }


def _known(among: dict[str, Any], name: str) -> dict[str, Any]:
    if name not in among:
        raise KeyError(f"{TABLE.name} names {name}, which is not there")
    found: dict[str, Any] = among[name]
    return found


def _check(name: str, jobs: dict[str, Any], parameters: dict[str, Any]) -> None:
    """Raise KeyError where the table names a parameter that neither KEDA nor the table describes."""
    source = jobs.get("event_source", {})
    named = [jobs.get("threshold"), jobs.get("activation"), *source.get("address", ()), *source.get("entity", ())]
    conditions = jobs.get("requires_if", {})
    groups = [*conditions, *(each for more in conditions.values() for each in more)]
    for key in ("requires", "requires_with_identity", "requires_without_identity"):
        groups += jobs.get(key, ())
    named += [part for group in groups for part in group.split("|")]
    for parameter in named:
        if parameter is not None and parameter not in parameters:
            raise KeyError(f"{TABLE.name}: {name} names the parameter {parameter}, which nothing describes")


def keda_part(catalogue: dict[str, Any], table: dict[str, Any]) -> dict[str, Any]:
    """Return what a catalogue took from KEDA: everything but what our table added."""
    scalers = {}
    for name, each in catalogue["scalers"].items():
        ours = table["scalers"].get(name, {}).get("parameters", {})
        parameters = {}
        for key, facts in each["parameters"].items():
            if "source" in facts:
                continue
            own = ours.get(key, {})
            parameters[key] = {word: value for word, value in facts.items() if word not in own and word != "secret"}
        scaler = {"deprecated": each["deprecated"]} if "deprecated" in each else {}
        scalers[name] = {**scaler, "parameters": parameters}
    return {"keda": catalogue["keda"], "scalers": scalers}


def written(catalogue: dict[str, Any]) -> str:
    """Return the file's text: JSON with one line per parameter and per statement."""
    lines = ["{", f'"keda": {_json(catalogue["keda"])},', '"scalers": {']
    last = len(catalogue["scalers"]) - 1
    for index, (name, each) in enumerate(catalogue["scalers"].items()):
        lines.append(f"{_json(name)}: {{")
        lines += [f"  {_json(key)}: {_json(each[key])}," for key in ("deprecated", "identity") if key in each]
        if "jobs" in each:
            lines.append('  "jobs": {')
            lines += _members(each["jobs"], "    ")
            lines.append("  },")
        lines.append('  "parameters": {')
        lines += _members(each["parameters"], "    ")
        lines += ["  }", "}" if index == last else "},"]
    return "\n".join([*lines, "}", "}"]) + "\n"


def _members(table: dict[str, Any], indent: str) -> list[str]:
    rows = [f"{indent}{_json(key)}: {_json(value)}" for key, value in table.items()]
    return [row + "," for row in rows[:-1]] + rows[-1:]


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def main(arguments: list[str]) -> None:
    """Write config/scalers.json."""
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    if arguments:
        keda = from_schema(json.loads(Path(arguments[0]).read_text(encoding="utf-8")))
    else:
        keda = keda_part(json.loads(TARGET.read_text(encoding="utf-8")), table)
    TARGET.write_text(written(merged(keda, table)), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
