"""Sources on another machine than where they are converted, and what they are converted to here."""

from pathlib import Path

import pytest
from exports import digest, exports

from encord_convert import batch


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("in")
    exports(folder, 30, damaged=3)
    return folder


@pytest.fixture(scope="module")
def whole(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    out = tmp_path_factory.mktemp("whole")
    with batch.run(batch.plan([sources / "*"], to="coco", out=out), engine="serial"):
        return digest(out)
