"""Make a matplotlib SVG part of a page: its colours, fonts and ids become the page's."""

from __future__ import annotations

import re
from dataclasses import dataclass

from markupsafe import Markup, escape

# Colours that matplotlib draws with, and the CSS variables that they stand for, so that one
# drawing is readable in light and in dark.
COLOURS = {
    "#0a0001": "--ink-soft",
    "#0a0002": "--grid",
    "#0a0003": "--fill",
    "#0a0004": "--limit",
    "#0b0001": "--s1",
    "#0b0002": "--s2",
    "#0b0003": "--s3",
    "#0b0004": "--s4",
    "#0b0005": "--s5",
    "#0b0006": "--s6",
}
SENTINELS = {variable: colour for colour, variable in COLOURS.items()}

_BODY = re.compile(r"<svg[^>]*viewBox=\"([^\"]+)\"[^>]*>(.*)</svg>", re.DOTALL)
_NOISE = re.compile(
    r"<metadata>.*?</metadata>|<style[^>]*>.*?</style>|<!--.*?-->"
    r"| transform=\"rotate\(-0 [^)]*\)\"|font-family: [^;\"]*;? ?",
    re.DOTALL,
)
_ID = re.compile(r' id="([^"]+)"')
_REFERENCE = re.compile(r"#([A-Za-z][\w.-]*)(?=[\")])")
_PATH = re.compile(r'( d=")([^"]+)(")')
_DECIMALS = re.compile(r"(-?\d+\.\d{2})\d+")


@dataclass(frozen=True)
class Words:
    """What a picture says to who cannot see it."""

    title: str
    description: str
    lang: str


def inline(source: str, name: str, words: Words, css: str) -> Markup:
    """Return the SVG document `source` as an element of class `css` whose ids begin `name`."""
    found = _BODY.search(source)
    if found is None:  # pragma: no cover - matplotlib always writes one
        raise ValueError("matplotlib wrote no SVG element")
    view, body = found.groups()
    body = _own_ids(_NOISE.sub("", body), name)
    body = _PATH.sub(lambda m: m[1] + " ".join(_DECIMALS.sub(r"\1", m[2]).split()) + m[3], body)
    for colour, variable in COLOURS.items():
        body = body.replace(colour, f"var({variable})")
    body = re.sub(r">\s+<", "><", body.replace("xlink:href", "href")).strip()
    head = (
        f'<svg class="{css}" viewBox="{view}" role="img" lang="{words.lang}"'
        f' aria-labelledby="{name}-title" aria-describedby="{name}-desc">'
        f'<title id="{name}-title">{escape(words.title)}</title>'
        f'<desc id="{name}-desc">{escape(words.description)}</desc>'
    )
    return Markup(head + body + "</svg>")  # noqa: S704 - the two texts in it are escaped above


def _own_ids(body: str, name: str) -> str:
    """Keep only the ids that something refers to, and begin each with the chart's `name`."""
    used = set(_REFERENCE.findall(body)) & set(_ID.findall(body))
    body = _ID.sub(lambda m: f' id="{name}-{m[1]}"' if m[1] in used else "", body)
    return _REFERENCE.sub(lambda m: f"#{name}-{m[1]}" if m[1] in used else m[0], body)
