"""One page of HTML about a conversion: it stands alone, and fetches nothing."""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from qudnn.converter.reports.page.advice import advice
from qudnn.converter.reports.page.blocks import Block, Blocks, blocks_of
from qudnn.converter.reports.page.drawing import lanes, overview
from qudnn.converter.reports.page.style import SCRIPT, STYLE
from qudnn.converter.reports.page.text import counted, escaped, in_units, listed
from qudnn.converter.reports.placement import Place, Placed
from qudnn.converter.reports.report import Report
from qudnn.converter.version import qudnn_version

_NAMES = 4  # that are shown before a click
_OPEN = 150  # nodes of a graph of which all blocks are open at first


@dataclass(frozen=True)
class Model:
    """One side of a conversion. file_bytes: with its weights in other files. Both are None for a pipe."""

    name: str
    file_bytes: int | None
    weight_bytes: int | None


@dataclass(frozen=True)
class Section:
    """A part of the page; body is HTML already."""

    title: str
    body: str


def page(
    report: Report, source: Model, target: Model, sections: Iterable[Section] = (), hint: str = ""
) -> str:
    """The page as HTML: about the conversion of source to target, and what else there is to say.

    hint: what to do next, as text.

    Names of nodes, tensors and files may be anything: they are text in it, and no script but the page's own
    is run. Its length is linear in that of the model's graph.
    """
    graph = blocks_of(report.nodes)
    parts = [
        _header(report, source, target, hint),
        _cards(report, source, target),
        *(_section(each) for each in sections),
        _section(Section("The graph", _graph(report, graph))),
        *(_section(each) for each in _sections(report, source, target)),
    ]
    hashed = b64encode(sha256(SCRIPT.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{hashed}'; base-uri 'none'"
    return (
        "<!doctype html>\n<html lang=en><head><meta charset=utf-8>"
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name=viewport content="width=device-width,initial-scale=1">'
        f"<title>{escaped(source.name)}: qudnn</title><style>{STYLE}</style></head>\n<body><main>\n"
        + "\n".join(parts)
        + f"\n<footer>qudnn {escaped(qudnn_version())}</footer></main>"
        f"<script>{SCRIPT}</script></body></html>\n"
    )


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], classes: Sequence[str]) -> str:
    """A table of cells that are HTML already; classes: of the columns."""
    head = "".join(f'<th class="{c}">{h}</th>' for h, c in zip(headings, classes, strict=True))
    lines = [
        "<tr>"
        + "".join(f'<td class="{c}">{cell}</td>' for cell, c in zip(row, classes, strict=True))
        + "</tr>"
        for row in rows
    ]
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _section(section: Section) -> str:
    return f"<section><h2>{escaped(section.title)}</h2>{section.body}</section>"


def _header(report: Report, source: Model, target: Model, hint: str) -> str:
    relation = "a copy of" if report.already or not report.converted else "the conversion of"
    if report.already:
        verdict, share = "The model was converted already", None
    elif report.quantized_nodes:
        share = report.converted_nodes / report.quantized_nodes
        verdict = f"{report.converted_nodes:,} of {report.quantized_nodes:,} quantized nodes converted"
    else:
        verdict, share = "Nothing was converted: the model has no quantized nodes", None
    meter = "" if share is None else f'<div class=meter><i style="width:{100 * share:.1f}%"></i></div>'
    remarks = "".join(f"<p>{escaped(remark)}</p>" for remark in (*report.remarks, hint) if remark)
    return (
        f"<h1>{escaped(source.name)}</h1><p class=dim>{escaped(target.name)} is {relation} it</p>"
        f"<div class=verdict><b>{verdict}</b>{meter}{remarks}</div>"
    )


def _cards(report: Report, source: Model, target: Model) -> str:
    cards = [
        (f"{report.islands:,}", "island" if report.islands == 1 else "islands"),
        (f"{report.entries:,} + {report.exits:,}", "entries and exits"),
        (f"{sum(report.converted.values()):,}", "ops of qudnn"),
    ]
    if not report.already:
        deviating = len(report.approximate)
        cards += [
            (f"{report.left_quantized:,}", "quantized nodes left"),
            (f"{deviating:,}", "nodes that may deviate") if deviating else ("none", "deviates in any bit"),
        ]
    if source.weight_bytes is not None and target.weight_bytes is not None:
        change = f"weights, from {in_units(source.weight_bytes)}"
        cards.append((in_units(target.weight_bytes), change))
    return (
        "<div class=cards>"
        + "".join(f"<div class=card><b>{b}</b><span>{s}</span></div>" for b, s in cards)
        + "</div>"
    )


def _graph(report: Report, graph: Blocks) -> str:
    if not report.nodes:
        return "<p>The graph has no nodes.</p>"
    legend = (
        "<div class=legend><span><i class=island></i>island: int8 on the GPU</span>"
        "<span><i class=gpu></i>left, on the GPU</span><span><i class=cpu></i>on the CPU</span>"
        "<span><i class=crossing></i>crossing: a tensor enters or leaves an island</span></div>"
    )
    is_open = len(report.nodes) <= _OPEN
    blocks = "".join(_block(report.nodes, block, is_open) for row in graph.rows for block in row)
    tools = (
        '<div class=tools><input id=find type=search placeholder="Find nodes: name, operator, type" '
        'aria-label="Find nodes"><button id=all type=button>Open or close all</button>'
        "<span id=found class=dim></span></div>"
    )
    note = (
        "<p class=dim>Blocks are neighbours of one kind, from the inputs down. On the CPU is what "
        "onnxruntime has no kernel for in its CUDA provider, or keeps there because it computes shapes.</p>"
    )
    return (
        f"{legend}<div class=columns><div class=scroll>{overview(report.nodes, graph)}</div>"
        f"<div>{tools}<div class=scroll>{blocks}</div></div></div>{note}"
    )


def _block(nodes: Sequence[Placed], block: Block, is_open: bool) -> str:
    kind = {Place.GPU: "gpu", Place.CPU: "cpu"}.get(block.place, "island")
    weights = sum(nodes[number].weight_bytes for number in block.nodes)
    about = counted(len(block.nodes), "node") + (f", {in_units(weights)} of weights" if weights else "")
    rows = "".join(_row(nodes[number]) for number in block.nodes)
    return (
        f'<details class="block {kind}" id=b{block.number}{" open" if is_open else ""}>'
        f"<summary>{escaped(block.title)}<span class=dim>{about}</span></summary>"
        f"<div class=nodes>{lanes(nodes, block.nodes)}<div class=rows>{rows}</div></div></details>"
    )


def _row(node: Placed) -> str:
    told = f"{node.name}: {node.reason}" if node.reason else node.name
    weights = in_units(node.weight_bytes) if node.weight_bytes else ""
    return (
        f'<div title="{escaped(told)}"><b>{escaped(node.op_type)}</b><code>{escaped(node.name)}</code>'
        f"<span>{escaped(node.result)}</span><span class=w>{weights}</span></div>"
    )


def _sections(report: Report, source: Model, target: Model) -> list[Section]:
    found = []
    for quantized, title in (True, "Quantized nodes that were left"), (False, "Other nodes that were left"):
        left = [node for node in report.left if node.quantized == quantized]
        if left:
            rows = [(n.op_type, n.reason, advice(n.reason), n.name) for n in left]
            found.append(Section(title, _grouped(rows, ("operator", "why it stays", "what to do", "nodes"))))
    if report.crossings:
        rows = [(c.kind, c.reason, "", c.value) for c in report.crossings]
        found.append(Section("Crossings", _grouped(rows, ("kind", "why", "", "tensors"))))
    if report.approximate:
        rows = [(n.op_type, n.reason, "", n.name) for n in report.approximate]
        intro = (
            "<p>Converted, but not bit for bit what onnxruntime's CPU provider computes for the original.</p>"
        )
        found.append(Section("Deviations", intro + _grouped(rows, ("operator", "by how much", "", "nodes"))))
    if report.declined:
        rows = [(f"{d.step} of {d.op_type}", d.reason, "", d.name) for d in report.declined]
        found.append(Section("Rewrites that were not done", _grouped(rows, ("rewrite", "why", "", "nodes"))))
    if report.converted:
        most = max(report.converted.values())
        bars = [
            (f"{count:,}", escaped(name), f'<i class=bar style="width:{100 * count / most:.1f}%"></i>')
            for name, count in report.converted.items()
        ]
        found.append(Section("Ops", table(("", "op", ""), bars, ("n", "op", ""))))
    if source.file_bytes is not None and target.file_bytes is not None:
        found.append(Section("Sizes", _sizes(source, target)))
    return found


def _sizes(source: Model, target: Model) -> str:
    rows = [
        (what, f"{before:,}", f"{after:,}", f"{100 * (after / before - 1):+.1f} %" if before else "")
        for what, before, after in (
            ("files", source.file_bytes, target.file_bytes),
            ("weights", source.weight_bytes, target.weight_bytes),
        )
        if before is not None and after is not None
    ]
    note = "<p class=dim>The converted file has a function body for each of its ops; weights lie packed.</p>"
    return table(("bytes", "before", "after", "change"), rows, ("op", "n", "n", "")) + note


def _grouped(entries: Iterable[tuple[str, str, str, str]], headings: Sequence[str]) -> str:
    """Entries are kind, reason, advice, name: a row for those that share the first three, the most first."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for *key, name in entries:
        groups.setdefault((key[0], key[1], key[2]), []).append(name)
    told = ["what to do"] if headings[2] else []
    rows: list[list[str]] = []
    for (kind, reason, text), names in sorted(groups.items(), key=lambda item: -len(item[1])):
        advised = [f"<span class=advice>{escaped(text)}</span>"] if told else []
        names_listed = listed(names, _NAMES)
        rows.append([f"{len(names):,}", escaped(kind), escaped(reason), *advised, names_listed])
    classes = ["n", "op", "", *("" for _ in told), "names"]
    return table(["", *headings[:2], *told, headings[3]], rows, classes)
