"""Careful access to foreign values: every function here takes anything (plain Python, as out of JSON) and gives what it can, or None."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

_CLOCK: Final = re.compile(r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})(?:[.,](\d{1,9}))?")
_ISO_DURATION: Final = re.compile(r"P(?:(\d+)D)?T?(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?")
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
_FRACTION: Final = re.compile(r"(\.\d{6})\d+")

#: Below this, a number of seconds cannot be a date after 2001.
EPOCH_FLOOR: Final = 1e9


def at(value: Any, *path: str | int) -> Any:
    """Follow keys and indices into nested mappings and lists; None where the way ends."""
    for step in path:
        if isinstance(step, str):
            value = value.get(step) if isinstance(value, dict) else None
        else:
            value = value[step] if isinstance(value, list) and 0 <= step < len(value) else None
    return value


def first(value: Any, *keys: str) -> Any:
    """Return the first of several keys that holds something."""
    if isinstance(value, dict):
        for key in keys:
            if value.get(key) is not None:
                return value[key]
    return None


def dicts(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the mappings in a list; nothing where it is no list."""
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))


def string(value: Any) -> str | None:
    """Return text or a whole number as a stripped text that is not empty."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < 1e30 else None
    return str(int(value)) if isinstance(value, float) and value.is_integer() else None


def number(value: Any) -> float | None:
    """Return a finite number, also out of a text such as ``"4.86"``, ``"1.5s"`` or ``"PT1.5S"``."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, str):
        text = value.strip()
        if text.startswith("PT"):
            return iso_duration(text)
        value = text[:-1] if text[-1:] == "s" else text
        if len(value) > 40 or "_" in value:
            return None
    try:
        result = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return result if math.isfinite(result) else None


def scaled(value: Any, per_second: float) -> float | None:
    """Return a number of units as seconds."""
    found = number(value)
    return None if found is None else found / per_second


def millis(value: Any) -> float | None:
    """Return milliseconds as seconds."""
    return scaled(value, 1e3)


def iso_duration(value: str) -> float | None:
    """Return ``"PT1M5.4S"`` as seconds."""
    found = _ISO_DURATION.fullmatch(value.strip()) if len(value) < 60 else None
    if not found or not any(found.groups()):
        return None
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return days * 86400 + hours * 3600 + minutes * 60 + seconds


def clock(value: Any) -> float | None:
    """Return ``"HH:MM:SS.mmm"``, ``"MM:SS"`` or a comma form as seconds."""
    found = _CLOCK.fullmatch(value.strip()) if isinstance(value, str) and len(value) < 40 else None
    if not found:
        return None
    hours, minutes, seconds, fraction = found.groups()
    return int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds) + (float(f"0.{fraction}") if fraction else 0.0)


def instant(value: Any) -> float | None:
    """Return a date and time (ISO 8601, or a number since 1970 in s, ms, µs or ns) as seconds since 1970; a time without a zone counts as UTC."""
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, str) and _DATE.match(value.strip()):
        try:
            moment = datetime.fromisoformat(_FRACTION.sub(r"\1", value.strip().replace(" UTC", "+00:00")))
        except ValueError:
            return None
    else:
        return _epoch(number(value))
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def _epoch(value: float | None) -> float | None:
    if value is None or value < EPOCH_FLOOR:
        return None
    for unit in (1.0, 1e3, 1e6, 1e9):
        if value / unit < 1e11:
            return value / unit
    return None


def iso(seconds: float | None) -> str | None:
    """Return seconds since 1970 as ISO 8601 in UTC."""
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds" if seconds % 1 else "seconds").replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return None
