"""The rooms of the package: who may import whom, how long a module is, what stands twice."""

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

import viv1t

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "viv1t"

# room -> rooms of viv1t that it may import, as docs/architecture.md draws them
FOUNDATION = {"names", "errors", "units", "rng", "registry", "log", "utils", "batch", "config"}
MAY_IMPORT = {
    **dict.fromkeys(FOUNDATION, FOUNDATION),
    "metrics": FOUNDATION,
    "criterions": FOUNDATION | {"metrics"},
    "optimizer": FOUNDATION,
    "scheduler": FOUNDATION,
    "checkpoint": FOUNDATION,
    "results": FOUNDATION,
    "stimuli": FOUNDATION,
    "analysis": FOUNDATION,
    "data": FOUNDATION,
    "model": FOUNDATION,
    "training": FOUNDATION
    | {"metrics", "criterions", "optimizer", "scheduler", "checkpoint", "results", "data", "model"},
    "insilico": FOUNDATION | {"metrics", "checkpoint", "results", "data", "model"},
    "experiments": FOUNDATION | {"results", "insilico", "stimuli"},
    "most_exciting_stimulus": FOUNDATION
    | {"results", "checkpoint", "data", "model", "insilico", "stimuli", "experiments", "analysis"},
    "in_vivo": FOUNDATION
    | {"results", "data", "experiments", "analysis", "stimuli", "most_exciting_stimulus"},
    "plot": FOUNDATION | {"results", "analysis"},
    "validation": FOUNDATION
    | {"results", "analysis", "experiments", "insilico", "data", "most_exciting_stimulus"},
    "report": FOUNDATION | {"results", "analysis", "plot", "data", "most_exciting_stimulus"},
}
WITHOUT_TORCH = ("viv1t", "viv1t.results", "viv1t.plot", "viv1t.config.schema", "viv1t.units")
WITHOUT_TORCH += ("viv1t.experiments", "viv1t.stimuli", "viv1t.analysis")
WITHOUT_TORCH += tuple(
    f"viv1t.most_exciting_stimulus.{name}"
    for name in ("library", "manifest", "export", "neurons", "controls")
)
WITHOUT_TORCH += ("viv1t.in_vivo.comparisons", "viv1t.in_vivo.panels", "viv1t.in_vivo.gratings")
SCRIPT_FOLDERS = ("", "data", "misc", "tuning_direction", "tuning_contextual_modulation")
SCRIPT_FOLDERS += ("tuning_feedbackRF", "tuning_retinotopy", "most_exciting_stimulus")
SCRIPT_FOLDERS += ("in_vivo_analysis",)
SCRIPT_FOLDERS += tuple(
    f"in_vivo_analysis/{p.name}" for p in (ROOT / "in_vivo_analysis").glob("[a-z]*/")
)


def modules() -> list[str]:
    return [
        info.name
        for info in pkgutil.walk_packages(viv1t.__path__, "viv1t.")
        if "._" not in info.name
    ]


def source_files() -> list[Path]:
    scripts = [path for folder in SCRIPT_FOLDERS for path in (ROOT / folder).glob("*.py")]
    return sorted(PACKAGE.rglob("*.py")) + sorted(scripts)


def imported_modules(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def rooms_imported(path: Path) -> set[str]:
    return {name.split(".")[1] for name in imported_modules(path) if name.startswith("viv1t.")}


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT))
)
def test_rooms_import_only_what_they_may(path: Path):
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if room == "__init__":  # the lazy public names
        assert rooms_imported(path) == {"insilico"}
        return
    foreign = rooms_imported(path) - {room} - MAY_IMPORT[room]
    assert not foreign, f"{path.relative_to(ROOT)} must not import viv1t.{sorted(foreign)}"


def test_every_room_is_in_the_table_and_the_table_in_the_docs():
    rooms = {
        p.name.removesuffix(".py") for p in PACKAGE.iterdir() if p.suffix == ".py" or p.is_dir()
    }
    assert rooms - {"__init__", "__pycache__"} == set(MAY_IMPORT)
    page = (ROOT / "docs/architecture.md").read_text()
    assert [room for room in MAY_IMPORT if f"`{room}`" not in page] == []


def test_scripts_do_not_import_one_another():
    scripts = {path.stem for path in source_files() if PACKAGE not in path.parents}
    for path in source_files():
        assert not {name.split(".")[0] for name in imported_modules(path)} & (scripts - {"data"})


@pytest.mark.parametrize(
    "path",
    [path for path in source_files() if PACKAGE not in path.parents],
    ids=lambda p: str(p.relative_to(ROOT)),
)
def test_scripts_are_thin(path: Path):
    """Flags, calls of the package, a line: no class, no drawing; tuning scripts are short."""
    tree = ast.parse(path.read_text())
    assert not [node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    assert not [name for name in imported_modules(path) if name.startswith("matplotlib")]
    if path.parent.name.startswith("tuning_"):
        assert len(path.read_text().splitlines()) <= 80


@pytest.mark.parametrize("name", WITHOUT_TORCH)
def test_imports_without_torch(name: str):
    subpackages = [m for m in modules() if m.startswith(name + ".") and name != "viv1t"]
    code = f"import sys\nimport {', '.join([name, *subpackages])}\n"
    code += "assert not {'torch', 'wandb'} & set(sys.modules), 'torch or wandb was imported'"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


@pytest.mark.parametrize("path", source_files(), ids=lambda p: str(p.relative_to(ROOT)))
def test_modules_are_short(path: Path):
    assert len(path.read_text().splitlines()) <= 400


@pytest.mark.parametrize("name", modules())
def test_public_names_have_docstrings_and_annotations(name: str):
    module = importlib.import_module(name)
    assert module.__doc__
    for public, value in vars(module).items():
        if public.startswith("_") or getattr(value, "__module__", None) != name:
            continue
        if inspect.isclass(value) or inspect.isfunction(value):
            assert value.__doc__, f"{name}.{public} has no docstring"
        if inspect.isfunction(value):
            assert_annotated(value, f"{name}.{public}")
        for member, function in vars(value).items() if inspect.isclass(value) else ():
            if inspect.isfunction(function) and not member.startswith("_"):
                assert_annotated(function, f"{name}.{public}.{member}")


def assert_annotated(function, label: str) -> None:
    signature = inspect.signature(function)
    bare = [
        p.name
        for p in signature.parameters.values()
        if p.annotation is p.empty and p.name not in ("self", "cls")
    ]
    assert not bare, f"{label}: {bare} have no annotation"
    assert signature.return_annotation is not signature.empty, f"{label} has no return annotation"


def code_lines(path: Path) -> list[str]:
    """The lines that count: no blank lines, comments or imports (docstrings do count)."""
    text = path.read_text()
    skipped: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            skipped |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    lines = enumerate(text.splitlines(), start=1)
    return [
        line.rstrip()
        for number, line in lines
        if line.strip() and not line.strip().startswith("#") and number not in skipped
    ]


def test_little_stands_twice():
    """Under 5 % of code lines stand in a run of six that stands elsewhere (decisions.md)."""
    runs: dict[tuple[str, ...], list[tuple[Path, int]]] = defaultdict(list)
    total = 0
    for path in source_files() + sorted((ROOT / "tests").rglob("*.py")):
        lines = code_lines(path)
        total += len(lines)
        for start in range(len(lines) - 5):
            runs[tuple(lines[start : start + 6])].append((path, start))
    repeated = {
        (path, start + offset)
        for places in runs.values()
        if len(places) > 1
        for path, start in places
        for offset in range(6)
    }
    assert len(repeated) < 0.05 * total


def test_no_mutable_globals_but_registries():
    allowed = {"CORES", "READOUTS", "CRITERIONS"}
    for name in modules():
        module = importlib.import_module(name)
        own = {
            node.targets[0].id if isinstance(node, ast.Assign) else node.target.id
            for node in ast.parse(Path(module.__file__ or "").read_text()).body
            if isinstance(node, ast.Assign | ast.AnnAssign)
            and isinstance(
                node.targets[0] if isinstance(node, ast.Assign) else node.target, ast.Name
            )
        }
        mutable = {n for n in own if isinstance(getattr(module, n, None), list | dict | set)}
        assert mutable - allowed - {"__all__"} == set(), f"{name}: {mutable}"
