from concurrent.futures import ThreadPoolExecutor

from lab.bench.kept import Kept


def test_parts_go_with_their_settings(tmp_path):
    kept = Kept(tmp_path / "made.json", {"steps": 20, "ways": ["a", "b"]})
    assert not kept.has("edits", "colour")
    kept.add("edits", "colour", {"success": 1.0})
    assert kept.has("edits", "colour") and not kept.has("edits", "shape")
    other = Kept(kept.path, {"steps": 30, "ways": ["a", "b"]})
    assert not other.has("edits", "colour"), "they hold for other settings"
    other.add("edits", "shape", {})
    assert not kept.has("edits", "colour"), "written over"


def test_several_may_add_at_once(tmp_path):
    kept = Kept(tmp_path / "made.json", {})
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: kept.add("parts", str(number), number), range(40)))
    assert set(kept.read()["parts"]) == set(map(str, range(40)))
