"""Where the public evaluation data lies, for the tests that read it."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"

needs_data = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"the evaluation data is not at {DATA}: it is not part of the project"
)
