"""Every node has a help page, which names its inputs."""

import nodes
import pytest

from .conftest import ROOT


@pytest.fixture(scope="module")
def classes(pack):
    return {name: cls for name, cls in nodes.NODE_CLASS_MAPPINGS.items() if name.startswith("P2P_")}


def test_pages_are_there_and_name_every_input(classes):
    pages = {path.stem: path.read_text() for path in (ROOT / "web" / "docs").glob("*.md")}
    assert set(pages) == set(classes)
    for name, cls in classes.items():
        types = cls.INPUT_TYPES()
        for key in (*types.get("required", {}), *types.get("optional", {})):
            assert key in pages[name], f"{name}'s page does not name {key}"
