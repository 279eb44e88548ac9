"""Self-contained pages: one file, both languages, no script, nothing fetched; readable on a phone and in print.

Templates are our own and render under autoescape; a submission's text only ever arrives as a value. Every page
carries Korean and English; two radio buttons above the text choose, so it works by keyboard and without script.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from importlib.resources import files
from typing import TYPE_CHECKING

from dokja.report.words import LANGUAGES, Language, say

if TYPE_CHECKING:
    import jinja2
    from markupsafe import Markup

View = Callable[[Language], Mapping[str, object]]


@cache
def environment() -> jinja2.Environment:
    """Return the one template environment: our templates only, autoescape on, an unknown name is an error."""
    import jinja2

    return jinja2.Environment(
        loader=jinja2.PackageLoader("dokja.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render_page(template: str, view: View, language: Language) -> str:
    """Return one self-contained HTML page holding both languages.

    Args:
        template: Name under `report/templates`; rendered once per language with `view(language)`, the language as
            `language`, and `say(key, **figures)`.
        view: Gives the template's values in one language.
        language: The language shown first.
    """
    templates = environment()
    bodies = {}
    for each in LANGUAGES:
        values = dict(view(each))
        bodies[each] = templates.get_template(template).render(
            values, language=each, say=partial(_say, each), title=values["title"]
        )
    titles = {each: str(view(each)["title"]) for each in LANGUAGES}
    return templates.get_template("page.html.jinja").render(
        bodies={each: _safe(body) for each, body in bodies.items()},
        titles=titles,
        first=language,
        style=_safe(style()),
    )


def render_picture(template: str, **values: object) -> Markup:
    """Return one picture as SVG markup that a page may place as it is: every text in it was escaped here."""
    return _safe(environment().get_template(template).render(values))


def _say(language: Language, key: str, **figures: object) -> str:
    return say(key, figures, language)


def _safe(markup: str) -> Markup:
    from markupsafe import Markup

    return Markup(markup)  # noqa: S704  # our own style sheet, and bodies already rendered under autoescape


@cache
def style() -> str:
    """Return the one style sheet of every page."""
    return files("dokja.report").joinpath("templates", "style.css").read_text(encoding="utf-8")
