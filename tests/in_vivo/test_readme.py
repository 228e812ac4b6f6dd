"""The page of the folder says what is there."""

import re
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "in_vivo_analysis"


def test_scripts_are_in_the_table_and_the_table_names_scripts():
    page = (FOLDER / "README.md").read_text()
    found = {path.name for path in FOLDER.rglob("*.py")}
    named = set(re.findall(r"^\| `(\w+\.py)`", page, flags=re.MULTILINE))
    assert named == found


def test_commands_and_links_exist():
    page = (FOLDER / "README.md").read_text()
    commands = re.findall(r"^python (\S+\.py)", page, flags=re.MULTILINE)
    assert len(commands) == 7
    links = re.findall(r"\]\(([^)#:]+)\)", page)
    assert [c for c in commands if not (FOLDER.parent / c).is_file()] == []
    assert [link for link in links if not (FOLDER / link).exists()] == []
