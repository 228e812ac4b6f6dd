"""The README and the demo's flags say what is there."""

import re
from pathlib import Path

import pytest

from viv1t.training.cli import parse_run

ROOT = Path(__file__).parent.parent


def test_the_published_command_of_the_readme_parses():
    text = (ROOT / "README.md").read_text().replace("\\\n", " ")
    (command,) = re.findall(r"^python train\.py (.*--wandb.*)$", text, flags=re.MULTILINE)
    config = parse_run(command.split()).config
    assert config.model.compile
    assert config.optim.schedule_free
    assert config.log.wandb == "vivit"


@pytest.mark.parametrize("name", ["demo_vivit.txt", "demo_ln.txt"])
def test_the_flags_of_the_demo_parse(name: str):
    flags = (ROOT / "misc" / name).read_text().split()
    assert parse_run([*flags, "--output_dir", "runs/demo"]).config.optim.schedule_free


@pytest.mark.parametrize("page", ["README.md", "docs/architecture.md"])
def test_links_of_the_pages_exist(page: str):
    path = ROOT / page
    links = re.findall(r"\]\(([^)#:]+)\)", path.read_text())
    assert links
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_scripts_named_in_the_readme_exist():
    names = set(re.findall(r"(?:data|misc)/\w+\.py", (ROOT / "README.md").read_text()))
    assert len(names) >= 5
    assert [name for name in sorted(names) if not (ROOT / name).is_file()] == []
