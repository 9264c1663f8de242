"""Pages of the site that a program makes: the operators, and what lies beside docs/. mkdocs.yml names it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onnx import AttributeProto, FunctionProto, helper, printer

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

ROOT = Path(__file__).resolve().parents[1]
BESIDE = {"changelog.md": "CHANGELOG.md", "contributing.md": "CONTRIBUTING.md", "security.md": "SECURITY.md"}
OPERATORS = "operators.md"

_ABOUT = """# Operators

The domain `qudnn`, version {version}. Each operator is an ONNX function: its body, of standard operators,
is the specification, and runs where no kernel is. `[N,H,W,Cp]` is channels-last, with channels padded to 16.
A kernel gives the body's bits on onnxruntime's CPU provider. This page is made of the bodies in
`converter/functions/`.

"""


def on_files(files: "Files", config: "MkDocsConfig") -> "Files":
    """MkDocs calls it with the files of docs/; adds the pages that are made."""
    from mkdocs.structure.files import File

    for name, text in pages().items():
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """MkDocs calls it with each page: of links to files that the site does not have, the text stays."""
    return re.sub(r"\[([^\]]+)\]\(\.\./[^)]+\)", r"\1", markdown)


def pages() -> dict[str, str]:
    """The pages by name."""
    from qudnn.converter.functions import FUNCTIONS, VERSION

    found = {name: _moved((ROOT / path).read_text()) for name, path in BESIDE.items()}
    operators = "".join(_operator(FUNCTIONS[name]) for name in sorted(FUNCTIONS))
    return {**found, OPERATORS: _ABOUT.format(version=VERSION) + operators}


def _moved(text: str) -> str:
    """A page of the root in docs/: links into docs/ are links beside it, others are only their texts."""
    text = re.sub(r"\]\(docs/([^)]+)\)", r"](\1)", text)
    return re.sub(r"\[([^\]]+)\]\((?!https?:|\w[\w-]*\.md[)#])[^)]+\)", r"\1", text)


def _operator(function: FunctionProto) -> str:
    from qudnn.converter.functions import MIN_OPSET

    # One that only calls others imports none.
    opset = max((each.version for each in function.opset_import if not each.domain), default=MIN_OPSET)
    lines = [f"## {function.name}", "", _prose(function.doc_string), ""]
    lines += [
        f"Inputs: {_names(function.input)}. Results: {_names(function.output)}. Opset {opset} or newer.",
        "",
    ]
    attributes = list(_attributes(function))
    if attributes:
        lines += ["| attribute | default |", "| --- | --- |", *attributes, ""]
    body = "\n".join(f"    {line}".rstrip() for line in printer.to_text(function).splitlines())
    return "\n".join([*lines, '??? note "Function body"', "", "    ```text", body, "    ```", "", ""])


def _prose(text: str) -> str:
    """A docstring as Markdown: the indentation of a method's is taken away, formulas stay blocks of code."""
    lines = text.strip("\n").splitlines()
    rest = [line for line in lines[1:] if line.strip()]
    depth = min((len(line) - len(line.lstrip()) for line in rest), default=0)
    return "\n".join([lines[0].strip(), *(line[depth:] for line in lines[1:])]) if lines else ""


def _names(names: Any) -> str:
    return ", ".join(f"`{name}`" for name in names) or "none"


def _attributes(function: FunctionProto) -> Iterator[str]:
    yield from (f"| `{name}` | |" for name in function.attribute)
    for attribute in function.attribute_proto:
        yield f"| `{attribute.name}` | `{_value(attribute)}` |"


def _value(attribute: AttributeProto) -> str:
    value = helper.get_attribute_value(attribute)
    return (
        f"[{', '.join(map(str, value))}]"
        if isinstance(value, list) or hasattr(value, "__len__")
        else str(value)
    )
