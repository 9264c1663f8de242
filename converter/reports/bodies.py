"""What a report says of the bodies of a graph's nodes: their own reports, with paths before the names."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

import onnx_ir as ir

from qudnn.converter.failures import node_name
from qudnn.converter.reports.placement import Placed
from qudnn.converter.reports.report import Report


def with_bodies(report: Report, bodies: Sequence[tuple[str, Report]]) -> Report:
    """The report on a graph and on the bodies of its nodes, each with its path."""
    if not bodies:
        return report
    reports = [report]
    converted = Counter(report.converted)
    placed = list(report.nodes)
    for path, body in bodies:
        islands = sum(each.islands for each in reports)
        reports.append(_at(path, body))
        placed += [_shifted(node, path, len(placed), islands) for node in body.nodes]
        converted.update(body.converted)
    left = [node for each in reports for node in each.left]
    return replace(
        report,
        converted=dict(converted.most_common()),
        islands=sum(each.islands for each in reports),
        entries=sum(each.entries for each in reports),
        exits=sum(each.exits for each in reports),
        crossings=tuple(crossing for each in reports for crossing in each.crossings),
        left=tuple(sorted(left, key=lambda node: not node.quantized)),
        approximate=tuple(node for each in reports for node in each.approximate),
        quantized_nodes=sum(each.quantized_nodes for each in reports),
        converted_nodes=sum(each.converted_nodes for each in reports),
        remarks=tuple(dict.fromkeys(remark for each in reports for remark in each.remarks)),
        declined=tuple(decline for each in reports for decline in each.declined),
        nodes=tuple(placed),
    )


def bodies_in(graph: ir.Graph, path: str = "") -> Iterator[tuple[str, ir.Graph]]:
    """The graphs inside of the graph, each after the one that it is in, and their paths."""
    for node in graph:
        for name, attribute in node.attributes.items():
            if attribute.is_ref() or attribute.type != ir.AttributeType.GRAPH:
                continue
            inner, inside = attribute.as_graph(), f"{path}{node_name(node)}/{name}"
            yield inside, inner
            yield from bodies_in(inner, f"{inside}/")


def _at(path: str, report: Report) -> Report:
    return replace(
        report,
        crossings=tuple(each._replace(value=f"{path}/{each.value}") for each in report.crossings),
        left=tuple(each._replace(name=f"{path}/{each.name}") for each in report.left),
        approximate=tuple(each._replace(name=f"{path}/{each.name}") for each in report.approximate),
        declined=tuple(each._replace(name=f"{path}/{each.name}") for each in report.declined),
    )


def _shifted(node: Placed, path: str, nodes: int, islands: int) -> Placed:
    """As it is in a longer list. nodes, islands: how many are there before those of the node's body."""
    return node._replace(
        name=f"{path}/{node.name}",
        island=node.island + islands if node.island else 0,
        reads=tuple(place + nodes for place in node.reads),
    )
