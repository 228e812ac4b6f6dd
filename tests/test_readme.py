"""README and pages say what is there: commands parse, links lead somewhere, scripts have help."""

import ast
import importlib
import importlib.util
import re
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pages import HOOKS, PAGES, ROOT, anchors, blocks, commands, links, text_of
from scripts import run_script
from small_twins import small_twin

from viv1t.training.cli import parse_run

# Paths that a page may name, from the root of the repository.
ROOMS = r"benchmarks|data|docs|misc|tests|viv1t|tuning_\w+|most_\w+|in_vivo_\w+"
PATH = rf"`((?:{ROOMS})/[\w/.]+\.(?:py|md|mk|txt|gz))`"


parser_of = cache(HOOKS.parser_of)


def parse(command: list[str]) -> None:
    """Read `command` (the words after python) as the script would; what is wrong raises."""
    script, *argv = command
    if script == "train.py":
        if "--help" not in argv:
            parse_run(argv)
        return
    if script == "-m":
        script, *argv = f"-m {argv[0]}", *argv[1:]
        if script in ("-m venv", "-m http.server"):
            return
    if script == "-m viv1t.model.kernels":  # takes no flags
        assert not argv
        assert importlib.util.find_spec("viv1t.model.kernels.__main__")
        return
    parser_of(script).parse_args(argv)


@pytest.mark.parametrize("page", PAGES)
def test_commands_parse(page: str):
    wrong = []
    for command in commands(text_of(page)):
        try:
            parse(command)
        except (SystemExit, FileNotFoundError) as error:
            wrong.append((" ".join(command), repr(error)))
    assert wrong == []


def test_pages_hold_commands_and_wrong_ones_are_found():
    assert sum(len(list(commands(text_of(page)))) for page in PAGES) > 60
    text = (
        '```bash\nrun="--output_dir runs/a"\npython misc/report.py $run \\\n  --seeed 3  # a\n```'
    )
    (command,) = commands(text)
    assert command == ["misc/report.py", "--output_dir", "runs/a", "--seeed", "3"]
    with pytest.raises(SystemExit):
        parse(command)
    with pytest.raises(FileNotFoundError):
        parse(["misc/no_such_script.py"])


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str):
    wrong = []
    for link in links(text_of(page)):
        parts = urlsplit(link)
        if parts.scheme:
            good = parts.scheme == "https" and "." in parts.netloc
        else:
            target = (ROOT / page).parent / parts.path if parts.path else ROOT / page
            good = target.exists()
            if good and parts.fragment:
                good = parts.fragment in anchors(target.read_text())
        if not good:
            wrong.append(link)
    assert wrong == []


def test_broken_links_would_be_found():
    assert links("[a](b.md) ![p](figures/c.png) `[x](y)`\n```\n[k](l)\n```\n") == [
        "b.md",
        "figures/c.png",
    ]
    assert anchors("# A title: it's\n```\n# no\n```\n## Two words") == {"a-title-its", "two-words"}


@pytest.mark.parametrize("page", PAGES)
def test_files_named_exist(page: str):
    named = set(re.findall(PATH, text_of(page)))
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []


@pytest.mark.parametrize("page", PAGES)
def test_python_of_the_pages_compiles_and_its_names_exist(page: str):
    missing = []
    for block in blocks(text_of(page), "python"):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("viv1t"):
                module = importlib.import_module(node.module)
                for alias in node.names:
                    name = f"{node.module}.{alias.name}"
                    if not hasattr(module, alias.name) and not _is_module(name):
                        missing.append(name)
    assert missing == []


def _is_module(name: str) -> bool:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        return False
    return True


@pytest.mark.parametrize("folder", sorted({Path(name).parts[0] for name in HOOKS.scripts()}))
def test_every_script_is_on_a_page(folder: str):
    page = f"{folder}/README.md"
    text = text_of(page if (ROOT / page).is_file() else "README.md")
    scripts = [name for name in HOOKS.scripts() if Path(name).parts[0] == folder]
    assert [name for name in scripts if not re.search(rf"\b{Path(name).name}[` ]", text)] == []


@pytest.mark.parametrize("page", [page for page in PAGES if "/" in page])
def test_scripts_in_the_tables_exist(page: str):
    cells = re.findall(r"^\| ([^|]*\.py`[^|]*)\|", text_of(page), flags=re.MULTILINE)
    named = {name for cell in cells for name in re.findall(r"`([\w/]+\.py)`", cell)}
    here = {path.name for path in (ROOT / page).parent.rglob("*.py")}
    published = "single_neuron/", "population/"  # of a table of published files
    assert [
        name
        for name in sorted(named)
        if name not in here and not (ROOT / name).is_file() and not name.startswith(published)
    ] == []


@pytest.mark.parametrize("script", HOOKS.scripts())
def test_scripts_have_help(script: str, capsys: pytest.CaptureFixture[str]):
    assert run_script(script, "--help") == 0
    assert "--help" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["demo_vivit.txt", "demo_ln.txt"])
def test_the_flags_of_the_demo_parse(name: str):
    flags = (ROOT / "misc" / name).read_text().split()
    assert parse_run([*flags, "--output_dir", "runs/demo"]).config.optim.schedule_free


def test_the_published_command_of_the_readme_is_the_published_model():
    (argv,) = (c[1:] for c in commands(text_of("README.md")) if c[0] == "train.py")
    config = parse_run(argv).config
    assert (config.model.compile, config.optim.schedule_free) == (True, True)
    assert config.log.wandb == "vivit"


def test_make_targets_named_on_pages_exist():
    rules = "".join(path.read_text() for path in (ROOT / "Makefile", *ROOT.glob("misc/*.mk")))
    named = {
        target
        for page in PAGES
        for target in re.findall(
            r"(?:`|^)make ([a-z-]+)(?:`|$| +[#A-Z])", text_of(page), flags=re.MULTILINE
        )
    }
    assert {"demo", "test", "docs"} <= named
    assert [t for t in sorted(named) if not re.search(rf"^{t}:", rules, flags=re.MULTILINE)] == []


def test_python_of_the_pages_runs(monkeypatch: pytest.MonkeyPatch):
    """The lines about twins, on a small one: mouse A for S1, its neuron 1 for 7."""
    twin = small_twin("vivit", core_use_causal_attention=True)
    monkeypatch.setattr("viv1t.load", lambda run: twin, raising=False)
    asked, later, experiment = blocks(text_of("docs/api.md"), "python")
    tuning = blocks(text_of("docs/architecture.md"), "python")[0]
    names: dict[str, object] = {}
    for block in (asked, later, experiment, tuning):
        lines = [line for line in block.splitlines() if "twin.model(" not in line]
        code = "\n".join(lines).replace('"S1"', '"A"').replace("[7", "[1")
        exec(compile(code, "page", "exec"), names)
    n = twin.num_neurons("A")
    assert (names["late"].shape, names["responses"].mean.shape) == ((1, 30), (n, 8))
    assert len(names["curve"]) == 8
