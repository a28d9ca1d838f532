"""Make plain words of markup, entities and control characters."""

from __future__ import annotations

import html
import re
from typing import Final

_TAGS: Final = (
    "a|abbr|article|b|blockquote|body|br|code|div|em|font|h[1-6]|head|hr|html|i|img|li|ol|p|pre|s|section|small|span|strong|sub|sup|"
    "table|tbody|td|th|thead|tr|u|ul"
)
_HTML: Final = re.compile(rf"</?(?:{_TAGS})(?:\s[^<>]*)?/?>", re.IGNORECASE)
_INLINE: Final = re.compile(r"</?(?:a|abbr|b|code|em|font|i|s|small|span|strong|sub|sup|u)(?:\s[^<>]*)?/?>", re.IGNORECASE)
_BROKEN: Final = re.compile("[\ud800-\udfff]")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LONG_ENTITY: Final = re.compile(r"&#\d{8,};?")
_EXCEL: Final = re.compile(r"_x000[dDaA9]_")


def safe(text: str) -> str:
    """Replace, one for one, the characters that no file can hold: lone surrogates and control characters.

    Parameters
    ----------
    text : str
        Of the same length as the result, so that positions stay.

    Returns
    -------
    str
    """
    if text.isascii() and text.isprintable():
        return text
    return _CONTROL.sub(" ", _BROKEN.sub("�", text))


def clean(text: str) -> str:
    """Strip HTML, unescape entities, join lines, and replace broken characters.

    Parameters
    ----------
    text : str
        As found in a vendor's file.

    Returns
    -------
    str
        Words with single blanks between them. Marks such as ``<inaudible>`` stay.
    """
    if "_x000" in text:
        text = _EXCEL.sub(" ", text)
    if "<" in text:
        text = _HTML.sub(" ", _INLINE.sub("", text))
    if "&" in text:
        text = html.unescape(_LONG_ENTITY.sub("�", text))
    return " ".join(safe(text).split())


def unquoted(text: str) -> str:
    """Take away one pair of quotation marks around a whole text."""
    for left, right in ('""', "“”", "«»"):
        if len(text) > 1 and text[0] == left and text[-1] == right and left not in text[1:-1]:
            return text[1:-1].strip()
    return text
