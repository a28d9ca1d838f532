"""The page on formats says what the code does."""

from pathlib import Path

from ownership_scorer.readers import FORMATS, GRADES
from ownership_scorer.readers.columns import SYNONYMS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "formats.md"


def test_the_page_lists_every_format_and_heading():
    text = PAGE.read_text(encoding="utf-8")
    for known in FORMATS:
        assert f"| {known.family} | {known.name} | {known.grade} |" in text
    for grade, meaning in GRADES.items():
        assert f"| {grade} | {meaning} |" in text
    for field, words in SYNONYMS.items():
        assert f"| `{field}` | {', '.join(words)} |" in text
