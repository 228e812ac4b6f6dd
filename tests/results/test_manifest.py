"""What --compare understands, and what it says when it does not."""

from pathlib import Path

import pytest

from viv1t.errors import ConfigError, MissingResultError
from viv1t.results.manifest import Source, open_compare


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("runs/a", "runs/b", "other/a", "data", "odd=name"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


RUN, DATA = Path("runs/a"), Path("data")


def compare(*entries: str) -> list[Source]:
    return open_compare(entries, RUN, DATA)


def test_folders_labels_and_recordings(folders):
    sources = compare("runs/a", "second=other/a", "recorded", "truth=runs/b", "odd=name")
    assert [(s.label, str(s.path), s.kind) for s in sources] == [
        ("a", "runs/a", "model"),
        ("second", "other/a", "model"),
        ("recorded", "data", "recorded"),
        ("truth", "runs/b", "truth"),
        ("odd=name", "odd=name", "model"),
    ]


def test_without_entries_the_folder_of_the_script(folders):
    assert open_compare(None, RUN, DATA) == [Source(label="a", path=RUN)]
    with_recorded = open_compare([], RUN, DATA, with_recorded=True)
    assert [s.kind for s in with_recorded] == ["model", "recorded"]
    assert len(open_compare([], RUN, None, with_recorded=True)) == 1
    [alone] = open_compare([], DATA, DATA, with_recorded=True)
    assert alone.kind == "recorded"


def test_sources_of_a_file(folders):
    path = folders / "runs" / "_comparisons" / "paper.yaml"
    path.parent.mkdir()
    path.write_text(
        "sources:\n"
        "  - {label: ViViT, folder: runs/a, colour: '#0072B2'}\n"
        "  - {folder: runs/b}\n"
        "  - mine=other/a\n"
        "  - {label: mouse, folder: recorded}\n"
    )
    assert compare(str(path)) == [
        Source(label="ViViT", path=Path("runs/a"), colour="#0072B2"),
        Source(label="b", path=Path("runs/b")),
        Source(label="mine", path=Path("other/a")),
        Source(label="mouse", path=DATA, kind="recorded"),
    ]
    assert len(compare(str(path), "again=runs/a")) == 5


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (["runs/none"], r"--compare runs/none: no folder .*runs/none; name one"),
        (["x="], r"--compare x=: no folder"),
        (["=runs/a"], r"--compare =runs/a: expected label=folder, found no label"),
        (["runs/a", "other/a"], r"names a more than once: .* label of its own"),
        (["recorded", "recorded"], "names recorded more than once"),
    ],
)
def test_errors_name_the_entry(folders, entries, message):
    with pytest.raises(ConfigError, match=message):
        compare(*entries)


def test_recordings_that_are_not_known(folders):
    with pytest.raises(ConfigError, match="no folder of recordings is known"):
        open_compare(["recorded"], RUN, None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("models: []", "should hold a list of sources"),
        ("sources: []", "should hold a list of sources"),
        ("sources: [3]", "source 3: expected a folder, or a mapping of label, folder, colour"),
        ("sources: [{label: A}]", "expected a folder, or a mapping"),
        ("sources: [{folder: runs/a, color: red}]", "expected a folder, or a mapping"),
        ("sources: [{folder: runs/none}]", r"x.yaml, source .*: no folder"),
    ],
)
def test_errors_name_the_file(folders, text, message):
    Path("x.yaml").write_text(text)
    with pytest.raises(ConfigError, match=message):
        compare("x.yaml")


def test_file_that_is_not_there(folders):
    with pytest.raises(MissingResultError, match=r"none\.yaml does not exist"):
        compare("none.yaml")
