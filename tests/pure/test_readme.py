"""The Korean README says what the English one does, part by part, and no link of the documentation leads nowhere."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from lab import tools

ROOT = Path(__file__).resolve().parents[2]
READMES = (ROOT / "README.md", ROOT / "README.ko.md")
PAGES = (
    *READMES,
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "web/docs").rglob("*.md")),
)
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")
TABLE = re.compile(r"(?:^\|.*\n)+", re.MULTILINE)
CODE = re.compile(r"(`+).+?\1")


def prose(page):
    """A page's text without its code blocks."""
    return FENCE.sub("", page.read_text("utf-8"))


def outline(page):
    """What stands in each section of a page: rows of tables, steps, pictures, links, code blocks."""
    parts = re.split(r"(?m)^(?=#)", FENCE.sub("```", page.read_text("utf-8")))[1:]
    return [
        {
            "level": len(HEADING.match(part)[1]),
            "tables": [table.count("\n") for table in TABLE.findall(part)],
            "steps": len(re.findall(r"^\d+\. ", part, re.MULTILINE)),
            "pictures": [to for picture, _, to in LINK.findall(part) if picture],
            "links": [
                to for picture, _, to in LINK.findall(part) if not picture and to not in ("README.md", "README.ko.md")
            ],
            "blocks": part.count("```"),
        }
        for part in parts
    ]


def anchors(page):
    """The anchors that a page's headings get, as code hosts make them."""
    found = []
    for _, title in HEADING.findall(prose(page)):
        bare = re.sub(r"[^\w\- ]", "", LINK.sub(r"\2", title).lower()).replace(" ", "-")
        found.append(f"{bare}-{found.count(bare)}" if bare in found else bare)
    return found


def test_both_readmes_have_the_same_sections():
    english, korean = map(outline, READMES)
    assert len(english) == len(korean) > 8
    for one, other in zip(english, korean, strict=True):
        assert one == other


def test_each_readme_leads_to_the_other():
    for page, other in (READMES, reversed(READMES)):
        assert f"]({other.name})" in page.read_text("utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page):
    for _, _, to in LINK.findall(CODE.sub("", prose(page))):
        if "://" in to or to.startswith("mailto:"):
            continue
        name, _, anchor = to.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{page.name} links to {to}"
        if anchor:
            assert anchor in anchors(target), f"{page.name} links to {to}; there is {anchors(target)}"


def test_nothing_in_the_documentation_is_without_a_link():
    """It ships, so what no page shows would be weight."""
    linked = {
        (page.parent / unquote(to.partition("#")[0])).resolve()
        for page in (*PAGES, *ROOT.glob("p2p_attention/**/*.md"))
        for _, _, to in LINK.findall(prose(page))
    }
    files = {file for folder in ("docs", "web/docs") for file in (ROOT / folder).rglob("*.*")}
    helps = {file for file in files if file.suffix == ".md" and "web" in file.relative_to(ROOT).parts}  # by their names
    assert not {str(file.relative_to(ROOT)) for file in files - helps - linked}


def test_the_readmes_tell_how_hostile_cases_end():
    """As docs/reliability.md counts them; random edits in half precision are no hostile input."""
    counted = (ROOT / "docs" / "reliability.md").read_text("utf-8").partition("### Hostile input")[2]
    table = counted.partition("All kinds together")[0]
    rows = [row.split("|")[1:4] for row in table.splitlines() if re.match(r"\| (?!kind|random)\w", row)]
    numbers = [
        [int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*(?=$|,|\s)", " ".join(row[1:]))]
        for row in rows
    ]
    right, refused = sum(row[0] for row in numbers), sum(sum(row[1:]) for row in numbers)
    for page in READMES:
        text = page.read_text("utf-8")
        assert all(f"{count:,}" in text for count in (right, refused, right + refused)), (right, refused)


def test_the_architecture_names_files_that_exist():
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    named = re.findall(r"`([\w./]+(?:\.\w+|/))`", text)
    assert len(named) > 30
    for name in named:
        assert any((base / name).exists() for base in (ROOT, ROOT / "p2p_attention")), name


def test_every_family_has_passed_on_every_host_that_has_it():
    """docs/hosts.md, as `make hosts` writes it, has a column for each host, and no test that failed."""
    host, tool = tools.load("host"), tools.load("hosts")
    columns = tool.read(tool.DOCUMENT.read_text("utf-8"))
    assert {*columns} == {*host.RELEASES}
    for column in columns.values():
        assert [*column] == [*tool.FAMILIES]
        assert all(cell == tool.ABSENT or cell.startswith("✓ ") for cell in column.values())
