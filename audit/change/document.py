"""A YAML or JSON file as plain JSON values, read as something hostile: bounded, no repeated key, no tag of its own.

Scalars mean what PyYAML's safe loader makes of them, because the container-app CLI reads the file with that. No message
repeats a value of the file: it may be a secret.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, NoReturn

import yaml

from audit.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MOST_BYTES = 1 << 20
"""The largest file: 1 MiB."""
MOST_VALUES = 100_000
"""Values in a file, each use of an alias counted: an alias bomb is small until it is written out."""
DEEPEST = 40
_LONGEST_NAME = 80

REQUIRED_INPUT = "!required-input"
"""The tag under which a rollback recipe asks for a value that nobody could know."""
_KNOWN = frozenset(f"tag:yaml.org,2002:{name}" for name in ("bool", "float", "int", "null", "str", "timestamp"))
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read(path: Path) -> tuple[bytes, list[Any]]:
    """Return a file's bytes and its documents. Raises ConfigError naming the file and the line."""
    content = _content(path)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise refused(path, "", "the file is not text in UTF-8", hint="save it as UTF-8") from None
    if path.suffix.lower() == ".json":
        return content, [_json(text, path)]
    return content, list(_yaml(text, path))


def refused(path: Path | str, place: str, message: str, *, hint: str) -> ConfigError:
    """Return the error about one place of a file: a path of keys such as ``properties.template``, or a line."""
    return ConfigError(message, where=f"{path}: {place}" if place else str(path), hint=hint)


def below(place: str, key: str) -> str:
    """Return the path of a member; a name that isn't plain is quoted and cut."""
    shown = key if key.isidentifier() else json.dumps(key[:_LONGEST_NAME])
    return f"{place}.{shown}" if place else shown


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise refused(path, "", "there is no such file", hint="name the file that will be applied") from None
    except OSError as error:
        raise refused(path, "", f"the file can't be read: {error.strerror}", hint="name a file") from None
    if len(content) > MOST_BYTES:
        raise refused(
            path, "", "the file is larger than 1 MiB", hint="give the jobs' definitions, a file for a few jobs"
        )
    return content


def _json(text: str, path: Path) -> Any:
    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise _twice(path, "", key)
            found[key] = value
        return found

    try:
        document = json.loads(text, object_pairs_hook=members, parse_constant=_no_number)
        _bounded(document, path)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise refused(path, place, f"this is not JSON: {error.msg}", hint="mend the line") from None
    except ValueError:
        raise refused(path, "", "a number is none that JSON has", hint="write it with digits") from None
    except RecursionError:
        raise _deep(path, "") from None
    return document


def _no_number(word: str) -> NoReturn:
    raise ValueError(word)


def _bounded(value: Any, path: Path, depth: int = 0) -> int:
    if depth > DEEPEST:
        raise _deep(path, "")
    if isinstance(value, str):
        _encodable(value, path, "")
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for key in value if isinstance(value, dict) else ():
        _encodable(key, path, "")
    count = 1 + sum(_bounded(each, path, depth + 1) for each in items)
    if count > MOST_VALUES:
        raise _many(path)
    return count


def _yaml(text: str, path: Path) -> Iterator[Any]:
    loader: Any = None
    try:
        _shallow(text, path)
        loader, values = _LOADER(text), _Values(path)
        while loader.check_node():
            yield values.value(loader.get_node(), "", 0)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise refused(path, place, f"this is not YAML: {_told(error.problem)}", hint="mend the line") from None
    except yaml.YAMLError:  # a character that YAML doesn't take: its message repeats the text around it
        raise refused(path, "", "the file holds a character that YAML doesn't take", hint="remove it") from None
    except RecursionError:
        raise _deep(path, "") from None
    finally:
        if loader is not None:
            loader.dispose()


def _shallow(text: str, path: Path) -> None:
    """Refuse what nests too deep before anything is built: the C loader overflows its stack over it."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise _deep(path, f"line {event.start_mark.line + 1}" if event.start_mark else "")


def _told(problem: str | None) -> str:
    """Return what a parser says without the names that it quotes."""
    return (problem or "it can't be read").partition("'")[0].strip() or "it can't be read"


class _Values:
    """Turns the nodes of a file's documents into values and counts them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._left = MOST_VALUES
        self._scalars = yaml.SafeLoader("")

    def value(self, node: yaml.Node, place: str, depth: int) -> Any:
        """Return the value of a node; ``place`` is the path of keys that leads to it."""
        self._left -= 1
        if self._left < 0:
            raise _many(self._path)
        if depth > DEEPEST:
            raise _deep(self._path, place)
        if isinstance(node, yaml.MappingNode) and node.tag.endswith(":map"):
            return self._members(node, place, depth)
        if isinstance(node, yaml.SequenceNode) and node.tag.endswith(":seq"):
            return [self.value(each, f"{place}[{index}]", depth + 1) for index, each in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode) and node.tag in _KNOWN:
            return self._scalar(node, place)
        raise self._tagged(node, place)

    def _members(self, node: yaml.MappingNode, place: str, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag.endswith(":merge"):
                raise self._at(key_node, place, "a merge key (<<) is not taken", hint="write the members out")
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) and key_node.tag in _KNOWN else None
            if key is None:
                raise self._at(key_node, place, "a key that is not a text", hint="write the key as a plain name")
            _encodable(key, self._path, place)
            if key in found:
                raise _twice(self._path, place, key, key_node.start_mark.line + 1)
            found[key] = self.value(value_node, below(place, key), depth + 1)
        return found

    def _scalar(self, node: yaml.ScalarNode, place: str) -> Any:
        if node.tag.endswith((":str", ":timestamp")):
            _encodable(node.value, self._path, place)
            return node.value
        try:
            value = self._scalars.construct_object(node)
        except (ValueError, OverflowError, yaml.YAMLError):
            value = math.nan
        if isinstance(value, float) and not math.isfinite(value):
            raise self._at(node, place, "a number that JSON doesn't have", hint="write it with digits, or quote a text")
        return value

    def _tagged(self, node: yaml.Node, place: str) -> ConfigError:
        if node.tag == REQUIRED_INPUT:
            told, hint = "a required input is not filled in", "replace the tag and its text by the value"
        else:
            tag = "".join(char if char.isprintable() else "?" for char in node.tag[:_LONGEST_NAME])
            told, hint = f"the tag {tag} is not taken", "write a plain value"
        return self._at(node, place, told, hint=hint)

    def _at(self, node: yaml.Node, place: str, message: str, *, hint: str) -> ConfigError:
        line = f"line {node.start_mark.line + 1}"
        return refused(self._path, f"{place} ({line})" if place else line, message, hint=hint)


def _encodable(text: str, path: Path, place: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise refused(
            path, place, "a text that is no Unicode: half of a pair", hint="remove the \\ud… escape"
        ) from None


def _twice(path: Path, place: str, key: str, line: int | None = None) -> ConfigError:
    where = below(place, key) + (f" (line {line})" if line else "")
    return refused(path, where, f"the key {key[:_LONGEST_NAME]!r} stands twice", hint="keep one of them")


def _deep(path: Path, place: str) -> ConfigError:
    return refused(
        path, place[:200], f"values lie more than {DEEPEST} levels deep", hint="a job's definition has a dozen"
    )


def _many(path: Path) -> ConfigError:
    told = f"more than {MOST_VALUES} values, each use of an alias counted"
    return refused(path, "", told, hint="give a file for a few jobs, without aliases")
