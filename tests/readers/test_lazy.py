"""What a reader does not need is not loaded."""

import subprocess
import sys

HEAVY = ("pandas", "numpy", "openpyxl", "pyarrow", "charset_normalizer", "webvtt")


def test_importing_the_readers_loads_no_heavy_library():
    code = f"import sys, ownership_scorer.readers; print([m for m in {HEAVY!r} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
