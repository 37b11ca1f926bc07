"""What the pack says in the editor outside its nodes (web/js/texts): in four languages, and all of it is used."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = ("en", "ja", "ko", "zh")
KINDS = ("blend", "strength", "watch", "window")
PLACES = ("top left", "top", "top right", "left", "middle", "right", "bottom left", "bottom", "bottom right")
MADE_UP = {  # keys that the code puts together: what may come after the point
    "change": ("added", "kept", "removed", "swapped"),
    "hint": KINDS,
    "kind": KINDS,
    "menu": (*KINDS, "start", "end"),
    "place": PLACES,
    "side": ("source", "target"),
}
COMMANDS = {"PromptToPrompt_PaintMask": "paint.label", "PromptToPrompt_UnfoldEdit": "unfold.label"}
CALL = re.compile(r"\btext\(([^()]*(?:\([^()]*\)[^()]*)*)\)")
KEY = re.compile(r'"([a-z]+\.[a-z_]+)"')
FAMILY = re.compile(r"`([a-z]+)\.\$\{")
BRACES = re.compile(r"\{\w+\}")
COMMENT = re.compile(r"^\s*(?://|/?\*).*|\s// .*$", re.MULTILINE)
LITERAL = re.compile(r'"([^"\n]*)"|`([^`]*)`')
SPOKEN = re.compile(r"^[A-Z][a-z]+ [A-Za-z]|^[a-z]+ (?:[a-z]+ )*[a-z]+$")
NOT_SPOKEN = re.compile(r"^pi pi-|^P2P $|^mask only$")  # icons, how a message begins, a node's choice
# what the host's own translations call the nodes and the menu entry that our texts name, read in its frontend 1.47.12
OF_THE_HOST = {
    "Load Image": {"en": "Load Image", "ja": "画像を読み込む", "ko": "이미지 로드", "zh": "加载图像"},
    "Save Image": {"en": "Save Image", "ja": "画像を保存", "ko": "이미지 저장", "zh": "保存图像"},
    "Preview Image": {"en": "Preview Image", "ja": "画像プレビュー", "ko": "이미지 미리보기", "zh": "预览图像"},
    "Open in MaskEditor": {
        "en": "Open in MaskEditor",
        "ja": "マスクエディタで開く",
        "ko": "마스크 편집기에서 열기",
        "zh": "用遮罩编辑器打开",
    },
}
EACH = pytest.mark.parametrize("language", LANGUAGES)


def texts(language: str) -> dict[str, str]:
    module = (ROOT / "web" / "js" / "texts" / f"{language}.js").read_text("utf-8")
    return json.loads(module.partition("export default ")[2].rstrip().removesuffix(";"))


def locale(language: str, file: str) -> dict[str, dict[str, str]]:
    return json.loads((ROOT / "locales" / language / file).read_text("utf-8"))


def code() -> dict[str, str]:
    """The editor's modules by name, without their comments."""
    return {path.name: COMMENT.sub("", path.read_text("utf-8")) for path in sorted((ROOT / "web" / "js").glob("*.js"))}


def test_every_text_that_is_used_is_there_and_no_other():
    calls = [call for module in code().values() for call in CALL.findall(module)]
    assert {family for call in calls for family in FAMILY.findall(call)} == set(MADE_UP)
    used = {key for call in calls for key in KEY.findall(call)}
    used |= {f"{family}.{rest}" for family, ends in MADE_UP.items() for rest in ends}
    assert set(texts("en")) == used


@EACH
def test_a_language_has_every_text_with_its_values(language):
    english, there = texts("en"), texts(language)
    assert list(there) == sorted(english), "the same keys, in order"
    for key, said in there.items():
        assert said.strip() == said != "", key
        assert sorted(BRACES.findall(said)) == sorted(BRACES.findall(english[key])), key
        assert language == "en" or said != english[key], f"{key} is still English"


@EACH
def test_nodes_are_called_as_they_are_titled(language):
    english, there = texts("en"), texts(language)
    titles = {
        node["display_name"]: locale(language, "nodeDefs.json")[name]["display_name"]
        for name, node in locale("en", "nodeDefs.json").items()
    } | {name: names[language] for name, names in OF_THE_HOST.items()}
    for key, said in english.items():
        for title in titles:
            assert title not in said or titles[title] in there[key], f"{key} names {title}"


@EACH
def test_what_a_word_can_have_is_called_as_on_the_nodes(language):
    there, nodes = texts(language), locale(language, "nodeDefs.json")
    assert there["kind.strength"] == there["menu.strength"] == nodes["P2P_Reweight"]["inputs"]["strength"]["name"]
    assert there["kind.window"].lower() in nodes["P2P_WindowPreset"]["display_name"].lower()
    assert there["kind.blend"].lower() in nodes["P2P_LocalBlend"]["display_name"].lower()
    assert there["kind.watch"].lower() in nodes["P2P_WatchWords"]["display_name"].lower()


@EACH
def test_commands_are_called_the_same_where_the_editor_looks_itself(language):
    """In the toolbox and among the keys the editor has them from locales/, in menus and toasts from here."""
    there = texts(language)
    assert locale(language, "commands.json") == {name: {"label": there[key]} for name, key in COMMANDS.items()}


@pytest.mark.parametrize("name", code())
def test_nothing_is_said_but_by_a_text(name):
    literals = [first or second for first, second in LITERAL.findall(code()[name])]
    assert [said for said in literals if SPOKEN.search(said) and not NOT_SPOKEN.search(said)] == []


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_help_pages_call_it_so_too(language):
    there = texts(language)
    for page, keys in {
        "P2P_Edit": ("menu.strength", "menu.window", "menu.blend", "unfold.label"),
        "P2P_EncodePromptPair": ("menu.strength", "menu.window", "menu.blend", "menu.watch"),
        "P2P_LocalBlend": ("paint.label",),
    }.items():
        said = (ROOT / "web" / "docs" / page / f"{language}.md").read_text("utf-8")
        assert [key for key in keys if f"*{there[key]}*" not in said] == [], page
