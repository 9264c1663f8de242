"""The paths that docs/architecture.md and docs/adding-an-operator.md name, and the imports that it allows."""

import ast
import re
from collections import defaultdict
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "architecture.md").read_text()


@pytest.mark.parametrize("name", ["architecture", "adding-an-operator"])
def test_paths_exist(name: str) -> None:
    text = (ROOT / "docs" / f"{name}.md").read_text()
    paths = set(re.findall(r"`((?:converter|custom_ops|csrc|tests)/[\w/.-]+)", text))
    assert len(paths) > 10
    for path in paths:
        assert (ROOT / path).exists(), path


def test_the_way_names_what_files_define() -> None:
    """`path: name`: what a step of the way is about is in the file."""
    steps = re.findall(r"`((?:converter|custom_ops|csrc)/[\w/.-]+): ([\w:]+)`", TEXT)
    assert len(steps) > 15
    for path, name in steps:
        assert re.search(rf"\b{name}\b", (ROOT / path).read_text()), (path, name)


def test_the_glossary_is_short() -> None:
    glossary = TEXT[TEXT.index("## Words") : TEXT.index("## The way of a model")]
    words = re.findall(r"^\| ([^|]+) \|", glossary, re.MULTILINE)[2:]
    assert 10 < len(words) <= 30


def imports() -> dict[str, set[str]]:
    """The modules of the converter that each of its modules imports."""
    files = {
        ".".join(("qudnn", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__"): path
        for path in (ROOT / "converter").rglob("*.py")
    }
    found: defaultdict[str, set[str]] = defaultdict(set)
    for module, path in files.items():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith("qudnn.converter."):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
                found[module] |= {name if name in files else str(node.module) for name in names} - {module}
    return found


def test_no_import_is_circular() -> None:
    modules = imports()
    assert len(modules) > 150
    tuple(TopologicalSorter(modules).static_order())  # raises where there is a circle

    rooms: defaultdict[str, set[str]] = defaultdict(set)
    for module, others in modules.items():
        rooms[_room(module)] |= {_room(other) for other in others} - {_room(module)}
    tuple(TopologicalSorter(rooms).static_order())


def test_rooms_use_what_the_table_allows() -> None:
    rows = re.findall(r"^\| `converter/(\w+)/` \| [^|]+ \| ([^|]+) \|$", TEXT, re.MULTILINE)
    assert len(rows) >= 7
    low = {"errors", "failures", "domain", "evaluate", "version", "context"}  # beside the rooms
    used: defaultdict[str, set[str]] = defaultdict(set)
    for module, others in imports().items():
        room = _room(module).rpartition(".")[2]
        used[room] |= {_room(other).rpartition(".")[2] for other in others} - {room}
    for room, allowed in rows:
        assert used[room] - low <= set(re.findall(r"\w+", allowed)), room


def test_folders_of_plans_use_what_the_table_allows() -> None:
    plans = ROOT / "csrc" / "plan"
    rows = re.findall(r"^\| `(\w+)/` \|.*\| ([^|]+) \|$", (plans / "README.md").read_text(), re.MULTILINE)
    folders = {path.parent.name for path in plans.glob("*/*.h")}
    assert {folder for folder, _ in rows} == folders and len(folders) >= 6
    used = {
        folder: {
            other
            for path in (plans / folder).iterdir()
            for other in re.findall(r'^#include "plan/(\w+)/', path.read_text(), re.MULTILINE)
        }
        - {folder}
        for folder in folders
    }
    tuple(TopologicalSorter(used).static_order())
    for folder, allowed in rows:
        named = folders if allowed == "all of these" else set(re.findall(r"\w+", allowed))
        assert used[folder] <= named, folder


def _room(module: str) -> str:
    """`qudnn.converter.graph` of `qudnn.converter.graph.edit`; modules beside the rooms are their own."""
    return ".".join(module.split(".")[:3])
