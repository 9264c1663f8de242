"""The page about a conversion: names are text in it whatever they are, and it fetches nothing."""

import re
from html.parser import HTMLParser
from pathlib import Path

import onnx
import pytest
from networks import Network

from qudnn import converter
from qudnn.converter.reports.page.advice import advice
from qudnn.converter.reports.page.document import Section
from qudnn.converter.reports.page.page import Model, page
from qudnn.converter.reports.placement import Place

HOSTILE = (
    "</code></section><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"' onmouseover=alert(1) x='",
    "</title><!-- ",
    "<![CDATA[ &lt;&#x3c; ]]>",
    "tab\tline\nnull-like\x01 and \u202e turned",
    "{{7*7}} ${x} `y` \\",
    "'); alert(1); ('",
)
DOCS = Path(__file__).parents[4] / "docs"


class Parsed(HTMLParser):
    """The tags with the names of their attributes, in their order, and all that is text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.texts: list[str] = []
        self.titles: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.titles += [value or "" for name, value in attrs if name == "title"]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)


def network(names: list[str]) -> onnx.ModelProto:
    """A convolution, a pool that stays, a convolution; their names, and those of tensors between."""
    first, pool, second, tensor, op_type = names
    net = Network()
    y = net.conv(net.eight_bit_input(["n", 3, 8, 8]), tensor, 3, 16)
    y = net.node(
        op_type, [net.dequantize(y, "f"), net.input("rois", "float32", ["r", 5])], "p", "some.domain"
    )
    net.conv(net.quantize(y, "q"), net.unshaped_output("y", "uint8"), 16, 16)
    model = net.model(13)
    named = [node for node in model.graph.node if node.op_type in ("QLinearConv", op_type)]
    for node, name in zip(named, (first, pool, second), strict=True):
        node.name = name
    return model


def page_of(model: onnx.ModelProto, name: str = "model.onnx") -> str:
    report = converter.convert(model).report
    assert report.converted
    return page(report, Model(name, 10, 4), Model(name, 12, 4))


@pytest.mark.parametrize("shift", range(len(HOSTILE)))
def test_names_are_text(shift: int) -> None:
    hostile = [HOSTILE[(shift + index) % len(HOSTILE)] for index in range(5)]
    plain = Parsed(page_of(network(["a", "b", "c", "d", "e"])))
    got = Parsed(page_of(network(hostile), hostile[0]))
    assert got.tags == plain.tags
    texts = "".join(got.texts)
    for name in hostile[:3]:
        shown = name if name.isprintable() else repr(name)
        assert shown in texts and any(title.startswith(shown) for title in got.titles)
    assert hostile[4].encode("unicode_escape").decode() in texts or hostile[4] in texts


def test_nothing_is_fetched_and_no_other_script_is_run() -> None:
    text = page_of(network(["a", "b", "c", "d", "e"]))
    tags = [tag for tag, _ in Parsed(text).tags]
    assert not {"link", "img", "iframe", "object", "embed", "base", "form"} & {*tags}
    assert tags.count("script") == 1
    assert not re.search(r"https?:|//|url\(|@import|\bsrc=|\bon\w+=", text)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    assert (
        policy and policy[1].startswith("default-src 'none'; ") and "'unsafe-inline'; script-src" in policy[1]
    )


def test_what_is_said_is_the_report_s() -> None:
    model = network(["a", "roi", "c", "d", "MaxRoiPool"])
    report = converter.convert(model).report
    text = " ".join("".join(Parsed(page_of(model)).texts).split())
    assert "2 of 2 quantized nodes converted" in text
    assert (report.islands, report.entries, report.exits) == (2, 2, 2)
    assert "2islands2 + 2entries and exits2ops of qudnn0quantized nodes left" in text
    for entry in report.left:
        assert entry.reason in text
    for crossing in report.crossings:
        assert crossing.reason in text
    assert "files1012+20.0 %" in text


def test_nodes_are_those_of_the_model() -> None:
    conversion = converter.convert(network(["a", "roi", "c", "d", "MaxRoiPool"]))
    nodes = conversion.report.nodes
    assert [node.op_type for node in nodes] == [node.op_type for node in conversion.model.graph.node]
    producers = {name: n for n, node in enumerate(conversion.model.graph.node) for name in node.output}
    for placed, node in zip(nodes, conversion.model.graph.node, strict=True):
        assert {*placed.reads} == {producers[name] for name in node.input if name in producers}
    places = {node.op_type: (node.place, node.island) for node in nodes}
    assert places["MaxRoiPool"] == (Place.GPU, 0)
    assert [node.island for node in nodes if node.place == Place.ISLAND] == [1, 2]
    assert [node.island for node in nodes if node.place == Place.EXIT] == [1, 2]
    assert [node.island for node in nodes if node.place == Place.ENTRY] == [1, 2]
    weights = sum(len(tensor.raw_data) for tensor in conversion.model.graph.initializer)
    assert sum(node.weight_bytes for node in nodes) == weights > 0
    again = converter.convert(conversion.model).report
    assert [node[:5] for node in again.nodes] == [node[:5] for node in nodes]


def test_what_is_left_on_the_cpu() -> None:
    """Operators on 8 bits, for which the CUDA provider has no kernel, and what computes shapes."""
    net = Network()
    y = net.conv(net.eight_bit_input(["n", 3, 8, 8]), "c", 3, 16)
    shape = net.node("Shape", [net.input("x2", "float32", ["n", "m"])], "s")
    net.node("Reshape", [net.dequantize(y, "f"), net.node("Abs", [shape], "t")], "r")
    net.output("r", "float32", ["a", "b"])
    report = converter.convert(net.model(13), exclude=["QLinearConv"], include=[]).report
    assert {node.op_type: node.place for node in report.nodes} == {
        "QLinearConv": Place.CPU,
        "DequantizeLinear": Place.GPU,
        "Shape": Place.CPU,
        "Abs": Place.CPU,
        "Reshape": Place.GPU,
    }


def test_sections_of_others_come_first() -> None:
    report = converter.convert(network(["a", "b", "c", "d", "e"])).report
    text = page(report, Model("m", None, None), Model("-", None, None), [Section("Mine <1>", "<p>body</p>")])
    assert text.index("<h2>Mine &lt;1&gt;</h2><p>body</p>") < text.index("<h2>The graph</h2>")
    assert "Sizes" not in text


def test_length_is_linear() -> None:
    def chain(count: int) -> int:
        net = Network()
        y = net.conv(net.eight_bit_input(["n", 16, 8, 8]), "t0", 16, 16)
        for index in range(1, count):
            last = index == count - 1
            y = net.conv(y, net.unshaped_output("y", "uint8") if last else f"t{index}", 16, 16)
        return len(page_of(net.model(13)))

    few, many = chain(100), chain(200)
    assert many < 2 * few


def test_left_nodes_get_advice() -> None:
    """All that docs/quantizers.md counts, unless the reason says it itself."""
    table = (DOCS / "quantizers.md").read_text().split("why it stays")[1]
    found = re.findall(r"^\| \d+ \| \w+: (.*) \| [\w, ]+ \|$", table, re.MULTILINE)
    assert len(found) == len(re.findall(r"^\| \d", table, re.MULTILINE)) > 20
    reasons = set(found)
    without = {r for r in reasons if not advice(r) and "; " not in r}
    assert without <= {"it does not pick channels"} | {
        r for r in reasons if "between QuantizeLinear and" in r
    }
    assert advice("its input comes from Conv in floating point").startswith("Quantize the result of Conv: ")
    assert "--constant-defaults" in advice(
        "its scale is an input with a default, which a caller may change: x"
    )
    assert advice("qudnn has no op for it") == ""
