"""The documentation site: what it shows is there; links of the repository become its own."""

import argparse
import json
import re
import runpy
from collections.abc import Iterator

import pytest
import yaml
from pages import HOOKS, ROOT

SITE = yaml.safe_load((ROOT / "mkdocs.yml").read_text())


def leaves(nav: object) -> Iterator[str]:
    """All pages of the navigation, as paths in the site."""
    if isinstance(nav, str):
        yield nav
    else:
        for entry in nav.values() if isinstance(nav, dict) else nav:
            yield from leaves(entry)


def test_the_navigation_shows_every_page_and_no_other():
    folders = {name.split("/")[0] for name in HOOKS.scripts() if "/" in name}
    shown = {place for source, place in HOOKS.PAGES.items() if (ROOT / source).is_file()}
    shown |= {path.name for path in (ROOT / "docs").glob("*.md")}
    shown |= {f"flags/{folder}.md" for folder in {*folders, "train_and_predict"}}
    assert sorted(leaves(SITE["nav"])) == sorted(shown)


def test_every_script_has_its_flags_in_the_site():
    architecture = runpy.run_path(str(ROOT / "tests/test_architecture.py"))
    found = {
        path.relative_to(ROOT).as_posix()
        for folder in architecture["SCRIPT_FOLDERS"]
        for path in (ROOT / folder).glob("*.py")
    }
    assert found == set(HOOKS.scripts())


def test_flags_come_from_the_parser():
    page = HOOKS.flag_page("data/make_synthetic.py")
    assert page.startswith("## `data/make_synthetic.py`\n")
    assert "| `--preset` | `demo` | " in page
    assert "one of test, demo, full" in page
    assert "`--help`" not in page
    assert len(re.findall(r"^\| `--", page, flags=re.MULTILINE)) == 6


def test_flags_of_train_are_those_of_all_cores_and_readouts():
    page = HOOKS.flag_page("train.py")
    assert re.search(r"^\| `--core` \| required \|", page, flags=re.MULTILINE)
    assert re.search(r"^\| `--lr` \| `[\d.e-]+` \|", page, flags=re.MULTILINE)
    for name in ("--core vivit", "--core linear", "--core fcnn", "--readout factorized"):
        assert f"### `{name}`\n" in page
    assert "| `--core_temporal_kernel` | `1` |" in page


def test_a_script_without_a_command_line_is_an_error():
    with pytest.raises(RuntimeError, match="reads no command line"):
        HOOKS.parser_of("benchmarks/__init__.py")
    assert argparse.ArgumentParser().parse_args([]) == argparse.Namespace()  # put back


@pytest.mark.parametrize(
    ("source", "link", "there"),
    [
        ("tuning_direction/README.md", "[a](../docs/attention.md)", "[a](attention.md)"),
        ("tuning_direction/README.md", "![a](../docs/figures/b.png)", "![a](figures/b.png)"),
        ("README.md", "[a](data/README.md#b)", "[a](data_format.md#b)"),
        ("docs/api.md", "[a](../README.md)", "[a](index.md)"),
        ("docs/api.md", "[a](#b) [c](https://d.org)", "[a](#b) [c](https://d.org)"),
        ("docs/api.md", "[CITATION](../CITATION.cff)", "CITATION (`CITATION.cff`)"),
        ("docs/api.md", "[`a.py`](../a.py)", "`a.py`"),
    ],
)
def test_links_of_the_repository_become_links_of_the_site(source: str, link: str, there: str):
    shown = {"attention.md", "figures/b.png", "data_format.md", "index.md"}
    assert HOOKS.site_links(link, source, shown) == there


def test_notebooks_become_pages_with_what_they_printed_and_drew():
    figure = {"data": {"image/png": "aGk=\n", "text/plain": ["<Figure>"]}}
    printed = {"text": ["1\n", "2\n"]}
    code = {"cell_type": "code", "source": ["a\n", "b"], "outputs": [printed, figure]}
    words = {"cell_type": "markdown", "source": ["# T\n", "x"]}
    page = HOOKS.notebook_page(json.dumps({"cells": [words, code]}))
    drawn = "![figure](data:image/png;base64,aGk=)"
    assert page == f"# T\nx\n\n```python\na\nb\n```\n\n```text\n1\n2\n```\n\n{drawn}\n"


def test_nothing_comes_from_the_internet():
    assert SITE["theme"]["font"] is False
    assert not {"extra_javascript", "extra_css"} & set(SITE)
    assert "offline" not in str(SITE["plugins"])  # it would fetch a script
