"""One page of HTML about a conversion: it stands alone, and fetches nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from qudnn.converter.reports.page.advice import advice
from qudnn.converter.reports.page.blocks import Block, Blocks, blocks_of
from qudnn.converter.reports.page.document import Section, cards, document, table
from qudnn.converter.reports.page.drawing import lanes, overview
from qudnn.converter.reports.page.text import counted, escaped, listed
from qudnn.converter.reports.placement import Place, Placed
from qudnn.converter.reports.report import Report
from qudnn.converter.reports.units import in_units

_NAMES = 4  # that are shown before a click
_OPEN = 150  # nodes of a graph of which all blocks are open at first


@dataclass(frozen=True)
class Model:
    """One side of a conversion. file_bytes: with its weights in other files. Both are None for a pipe."""

    name: str
    file_bytes: int | None
    weight_bytes: int | None


def page(
    report: Report, source: Model, target: Model | None, sections: Iterable[Section] = (), hint: str = ""
) -> str:
    """The page as HTML: about the conversion of source to target, and what else there is to say.

    target: None where the conversion was not written. hint: what to do next, as text.

    Names of nodes, tensors and files may be anything: they are text in it, and no script but the page's own
    is run. Its length is linear in that of the model's graph.
    """
    graph = blocks_of(report.nodes)
    parts = [
        _header(report, source, target, hint),
        _cards(report, source, target),
        *(each.html() for each in sections),
        Section("The graph", _graph(report, graph)).html(),
        *(each.html() for each in _sections(report, source, target)),
    ]
    return document(source.name, parts)


def _header(report: Report, source: Model, target: Model | None, hint: str) -> str:
    is_copy = report.already or not report.converted
    if report.already:
        verdict, share = "The model was converted already", None
    elif report.quantized_nodes:
        share = report.converted_nodes / report.quantized_nodes
        verb = "converted" if target else "would convert"
        verdict = f"{report.converted_nodes:,} of {report.quantized_nodes:,} quantized nodes {verb}"
    else:
        nothing = "Nothing was converted" if target else "Nothing would convert"
        verdict, share = f"{nothing}: the model has no quantized nodes", None
    if target is not None:
        relation = f"{escaped(target.name)} is {'a copy of' if is_copy else 'the conversion of'} it"
    else:
        relation = "nothing was written" if is_copy else "what a conversion would give; nothing was written"
    meter = "" if share is None else f'<div class=meter><i style="width:{100 * share:.1f}%"></i></div>'
    remarks = "".join(f"<p>{escaped(remark)}</p>" for remark in (*report.remarks, hint) if remark)
    return (
        f"<h1>{escaped(source.name)}</h1><p class=dim>{relation}</p>"
        f"<div class=verdict><b>{verdict}</b>{meter}{remarks}</div>"
    )


def _cards(report: Report, source: Model, target: Model | None) -> str:
    entries = [
        (f"{report.islands:,}", "island" if report.islands == 1 else "islands"),
        (f"{report.entries:,} + {report.exits:,}", "entries and exits"),
        (f"{sum(report.converted.values()):,}", "ops of qudnn"),
    ]
    if not report.already:
        deviating = len(report.approximate)
        entries += [
            (f"{report.left_quantized:,}", "quantized nodes left"),
            (f"{deviating:,}", "nodes that may deviate") if deviating else ("none", "deviates in any bit"),
        ]
    if target is None and source.weight_bytes is not None:
        entries.append((in_units(source.weight_bytes), "weights"))
    elif target is not None and source.weight_bytes is not None and target.weight_bytes is not None:
        change = f"weights, from {in_units(source.weight_bytes)}"
        entries.append((in_units(target.weight_bytes), change))
    return cards(entries)


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


def _sections(report: Report, source: Model, target: Model | None) -> list[Section]:
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
    if target is not None and source.file_bytes is not None and target.file_bytes is not None:
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
