"""The editor's texts: English as the schemas have it, the translations complete and true to its names and numbers."""

import re

import nodes
import pytest

from lab import tools

tool = tools.load("locales")

SAME_IN_BOTH = {"clip", "vae"}  # the host's own translations leave these names too
EXAMPLE = re.compile(r'"[^"]+"')
NUMBER = re.compile(r"\d+(?:[./×]\d+)*")
INPUT_ID = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b")
MESSAGE_SYNTAX = re.compile(r"[{}|]|@[:.]")  # what the editor's translator would interpret
BOTH = pytest.mark.parametrize("file", tool.FILES)
EACH = pytest.mark.parametrize("language", tool.TRANSLATIONS)


@pytest.fixture(scope="module")
def classes(pack):
    return {name: cls for name, cls in nodes.NODE_CLASS_MAPPINGS.items() if name.startswith("P2P_")}


@pytest.fixture(scope="module")
def english(classes):
    return dict(zip(tool.FILES, (tool.node_defs(classes), tool.categories(classes)), strict=True))


@BOTH
def test_english_is_what_the_schemas_say(english, file):
    assert tool.read("en", file) == english[file], "run `make locales`"


@BOTH
@EACH
def test_translations_have_the_same_keys(english, language, file):
    assert tool.texts(tool.read(language, file)).keys() == tool.texts(english[file]).keys()


@BOTH
@EACH
def test_every_text_is_translated(english, language, file):
    translated = tool.texts(tool.read(language, file))
    for key, text in tool.texts(english[file]).items():
        where = f"{language}: {'.'.join(key)}"
        assert translated[key].strip(), f"{where} is empty"
        assert translated[key] != text or text in SAME_IN_BOTH, f"{where} is still English"
        assert not MESSAGE_SYNTAX.search(translated[key] + text), (
            f"{where}: the editor would not show this as it stands"
        )


@EACH
def test_examples_numbers_and_names_survive(english, classes, language):
    english, translated = english["nodeDefs.json"], tool.read(language, "nodeDefs.json")
    names = {node["display_name"]: translated[node_id]["display_name"] for node_id, node in english.items()}
    inputs = {
        name: translated[node_id]["inputs"][name]["name"]
        for node_id, node in english.items()
        for name in node.get("inputs", {})
    }
    options = {
        option
        for cls in classes.values()
        for slot in cls.GET_SCHEMA().inputs
        for option in getattr(slot, "options", None) or ()
    }
    there = tool.texts(translated)
    for key, text in tool.texts(english).items():
        if key[-1] == "name":
            continue
        kept = {*EXAMPLE.findall(text), *NUMBER.findall(text)} | {names[n] for n in names if n in text}
        for found in INPUT_ID.findall(text):
            kept.add(found if found in options else inputs.get(found, found))
        lost = {part for part in kept if part not in there[key]}
        assert not lost, f"{language}: {'.'.join(key)} has lost {lost}"


@EACH
def test_one_name_is_translated_one_way(english, language):
    """An input of the same name, and a node's output of it, reads the same wherever it is."""
    here, there = tool.texts(english["nodeDefs.json"]), tool.texts(tool.read(language, "nodeDefs.json"))
    found: dict[str, set[str]] = {}
    for key, text in here.items():
        if key[-1] == "name" and key[1] == "inputs":
            found.setdefault(text, set()).add(there[key])
    assert not {name: ways for name, ways in found.items() if len(ways) > 1}


@EACH
def test_display_names_are_told_apart(english, language):
    names = [node["display_name"] for node in tool.read(language, "nodeDefs.json").values()]
    assert len(set(names)) == len(names) and all(name.startswith("P2P ") for name in names)
