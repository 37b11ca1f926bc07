"""Every node has a help page in each language, which names its inputs and has a picture and the paper's place."""

import asyncio
import json
import re

import nodes
import pytest
from aiohttp.test_utils import make_mocked_request
from PIL import Image

from .conftest import ROOT

PAGES = ROOT / "web" / "docs"
LANGUAGES = ("en", "ko", "ja", "zh")
NAMES = sorted(path.stem for path in PAGES.glob("*.md"))
PICTURE = re.compile(r"!\[[^]]+\]\(((?:\.\./)?[\w.]+)\)")


def page(name, language):
    return PAGES / f"{name}.md" if language == "en" else PAGES / name / f"{language}.md"


def shape(text):
    """The rows of a table in each paragraph."""
    return [paragraph.count("\n|") for paragraph in text.split("\n\n")]


@pytest.fixture(scope="module")
def classes(pack):
    return {name: cls for name, cls in nodes.NODE_CLASS_MAPPINGS.items() if name.startswith("P2P_")}


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_are_there_and_name_every_input(classes, language):
    shown = json.loads((ROOT / "locales" / language / "nodeDefs.json").read_text("utf-8"))
    assert set(NAMES) == set(classes)
    for name, cls in classes.items():
        text = page(name, language).read_text("utf-8")
        assert text.startswith(f"# {shown[name]['display_name']}\n")
        named = "".join(line.split("|")[1] for line in text.splitlines() if line.startswith("|"))
        types = cls.INPUT_TYPES()
        for key in (*types.get("required", {}), *types.get("optional", {})):
            title = shown[name]["inputs"][key]["name"]
            entry = key if title == key else f"{title} `{key}`"
            assert entry in named, f"{name}'s page in {language} does not name {entry}"


@pytest.mark.parametrize("name", NAMES)
def test_a_page_has_a_small_picture_the_papers_place_and_common_mistakes(name):
    text = page(name, "en").read_text("utf-8")
    (file,) = PICTURE.findall(text)
    with Image.open(PAGES / file) as picture:
        assert picture.width <= 700 and picture.height <= 700
    assert re.search(r"(figures?|algorithm|section) \d", text) and "**Common mistakes.**" in text


@pytest.mark.parametrize("language", LANGUAGES[1:])
@pytest.mark.parametrize("name", NAMES)
def test_a_translated_page_has_the_parts_and_the_picture_of_the_english_one(name, language):
    english, translated = (page(name, one).read_text("utf-8") for one in ("en", language))
    assert shape(translated) == shape(english)
    (file,) = PICTURE.findall(translated)
    assert PICTURE.findall(english) == [file.removeprefix("../")]
    assert (page(name, language).parent / file).is_file()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_editor_gets_a_page_whose_picture_it_finds(part, language):
    request = make_mocked_request("GET", "/", match_info={"node": "P2P_WordSwap", "language": language})
    response = asyncio.run(part("p2p_attention.host.files_route").help_page(request))
    assert response.content_type == "text/markdown"
    assert response.text.splitlines()[0] == page("P2P_WordSwap", language).read_text("utf-8").splitlines()[0]
    assert PICTURE.findall(response.text) == ["word_swap.jpg"]


def test_every_picture_is_on_a_page():
    texts = "".join(page(name, "en").read_text("utf-8") for name in NAMES)
    assert [path.name for path in PAGES.glob("*.*") if path.suffix != ".md" and f"({path.name})" not in texts] == []
