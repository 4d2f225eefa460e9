"""Templates into pages: always escaped, nothing undefined passes, and a template's mistake names its file and line."""

from __future__ import annotations

import base64
import hashlib
import re
import traceback
from pathlib import Path
from typing import Any

import jinja2
from jinja2 import meta
from markupsafe import Markup

from audit.errors import ConfigError
from audit.model import ids
from audit.render import links, stylesheet, text

_WORD = re.compile(r"[A-Za-z_][\w-]*")
_HINT = "mend the template, or remove your copy so that the packaged one is used"


class Templates:
    """The report's templates: a user's own folders first, then the packaged one, each found by file name."""

    def __init__(self, folders: list[Path]) -> None:
        self._folders = folders
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(folders),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            finalize=_shown,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            cache_size=-1,
        )
        self._environment.filters |= {
            "utc": text.utc,
            "seconds_utc": text.utc_seconds,
            "number": text.number,
            "size": text.size,
            "span": text.seconds,
            "listing": text.listing,
            "tail": ids.name_of,
            "slug": links.safe_name,
            "shortened": text.shortened,
        }
        self._environment.globals |= {
            "money": text.money,
            "plural": text.plural,
            "job_page": links.job_page,
            "incident_page": links.incident_page,
            "verdict_page": links.verdict_page,
            "coverage_page": links.coverage_page,
            "framework_page": links.framework_page,
            "requirement_anchor": links.requirement_anchor,
        }
        self._whole = self._style()
        self.shared = _styled(self._whole)
        """What every page is given: the style sheet, and the content security policy that allows it alone."""

    def add(self, **names: Any) -> None:
        """Make functions or values known to every template."""
        self._environment.globals |= names

    def render(self, name: str, **context: Any) -> str:
        """Return a page. Raises ConfigError, naming file and line, where the template is wrong."""
        try:
            return self._environment.get_template(name).render(**(self.shared | context))
        except Exception as error:
            mended = self._mistake(error)
            if mended is None:
                raise
            raise mended from error

    def sheet_of(self, name: str) -> dict[str, Any]:
        """Return what ``shared`` holds, with the rules alone that a page of this template can need.

        For pages of which there are thousands: the style sheet is most of a small one. Raises ConfigError.
        """
        try:
            return _styled(stylesheet.used(self._whole, self._words(name, set())))
        except Exception as error:
            mended = self._mistake(error)
            if mended is None:
                raise
            raise mended from error

    def _words(self, name: str, seen: set[str]) -> set[str]:
        """Return every word of a template and of those that it names; all there are where it names one by a value."""
        seen.add(name)
        source, _, _ = self._environment.loader.get_source(self._environment, name)  # type: ignore[union-attr]
        said = set(_WORD.findall(source))
        for other in meta.find_referenced_templates(self._environment.parse(source)):
            if other is None:
                return said | set(_WORD.findall(self._whole))
            if other not in seen:
                said |= self._words(other, seen)
        return said

    def _style(self) -> str:
        source = next((path for folder in self._folders if (path := folder / "style.css").is_file()), None)
        if source is None:
            raise ConfigError("there is no style.css among the templates", where=", ".join(map(str, self._folders)))
        try:
            written = source.read_text("utf-8")
        except UnicodeDecodeError as error:
            raise ConfigError("the style sheet is not UTF-8", where=str(source), hint=_HINT) from error
        if "</" in written:
            raise ConfigError("a style sheet can't hold an end tag", where=str(source), hint=_HINT)
        return stylesheet.small(written)

    def _mistake(self, error: Exception) -> ConfigError | None:
        """Return what to tell a person, if the error arose in a template; None if it is our own."""
        if isinstance(error, jinja2.TemplateSyntaxError):
            where = f"{error.filename or error.name}, line {error.lineno}"
            return ConfigError(f"a template has a mistake: {error.message}", where=where, hint=_HINT)
        if isinstance(error, jinja2.TemplateNotFound):
            return ConfigError(
                f"there is no template {error.name}", where=", ".join(map(str, self._folders)), hint=_HINT
            )
        if isinstance(error, UnicodeDecodeError):
            return ConfigError("a template is not UTF-8", where=", ".join(map(str, self._folders)), hint=_HINT)
        frames = traceback.extract_tb(error.__traceback__)
        folders = [str(folder) for folder in self._folders]
        if not frames or not any(frame.filename.startswith(tuple(folders)) for frame in frames):
            return None
        last = [frame for frame in frames if frame.filename.startswith(tuple(folders))][-1]
        return ConfigError(
            f"a template can't be filled in: {error}", where=f"{last.filename}, line {last.lineno}", hint=_HINT
        )


def _shown(value: Any) -> Any:
    """Finish what a template prints: unknown for null, and no character that acts instead of being read."""
    if value is None:
        return "unknown"
    return text.visible(value) if type(value) is str else value


def _styled(style: str) -> dict[str, Any]:
    return {"style": Markup(style), "policy": _policy(style)}  # noqa: S704  ours or the user's own, and without an end tag


def _policy(style: str) -> str:
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
