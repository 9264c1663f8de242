"""A residual block where no kernel does all of it: its convolutions, one after the other.

On fakes, which count: see csrc/testing/fakes/.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import fakes
import pytest
from fakes import FLOAT32, INT8, INT32, Launch, Node, Tensor

X, R, Y = 0x10000000, 0x20000000, 0x30000000
WEIGHTS = (0x40000000, 0x50000000, 0x60000000)
ELSEWHERE = 0x100000
Shape = Sequence[int | str] | None
POINTWISE = {"pads": [0] * 4, "strides": [1, 1], "dilations": [1, 1], "group": 1, "x_zero_point": 0}
WINDOW: dict[str, Any] = {"pads": [1] * 4, "strides": [1, 1], "dilations": [1, 1], "group": 1}
SUM: dict[str, Any] = {
    "a_scale": 0.5,
    "b_scale": 0.375,
    "sum_scale": 0.5,
    "a_zero_point": 3,
    "b_zero_point": -7,
    "sum_zero_point": 2,
    "dtype": INT8,
    "result_first": 1,
}
FLOAT_SUM: dict[str, Any] = {"r_scale": 0.375, "r_zero_point": -7, "y_scale": 0.5}


@pytest.fixture(autouse=True)
def counters() -> Iterator[None]:
    fakes.use_runtime(24)
    fakes.calls()
    yield
    fakes.set_capturing(False)


def result(name: str, zero_point: int = -128) -> dict[str, int]:
    return {f"{name}_zero_point": zero_point, f"{name}_min": zero_point, f"{name}_max": 127}


def layer(at: int, shape: list[int]) -> list[Tensor]:
    """Weights, and biases and multipliers for them."""
    return [
        Tensor(at, shape),
        Tensor(at + 0x1000000, shape[:1], INT32),
        Tensor(at + 0x2000000, shape[:1], FLOAT32),
    ]


class Block:
    """A node of such an operator, whose convolutions are also nodes of their own.

    No kernel does all of it: 32 channels are too few between two convolutions, or for windows over each
    channel, more than 320 results too many. With the engine named one may, but is not asked.
    """

    def __init__(
        self,
        *,
        size: int = 14,
        c: int = 256,
        m: int = 32,
        k: int = 256,
        kernel: int = 3,
        padding: int = -128,
        reduced: int = -128,
        engine: str = "native_window",
        adds: bool = True,
        in_float: bool = False,
        **attributes: Any,
    ) -> None:
        window = {name: attributes.pop(name, value) for name, value in WINDOW.items()}
        of_sum = FLOAT_SUM if in_float else SUM if adds else {}
        addition = {name: attributes.pop(name, value) for name, value in of_sum.items()}
        self.size, self.c, self.m, self.k, self.adds = size, c, m, k, adds
        self.engine = "" if engine == "separate_steps" else engine  # of the convolutions
        self.rows = (size - 1) // window["strides"][0] + 1
        shapes = [m, 1, 1, c], [m, kernel, kernel, m // window["group"]], [k, 1, 1, m]
        self.layers = [layer(at, shape) for at, shape in zip(WEIGHTS, shapes, strict=True)]
        results = {**result("reduced", reduced), **result("window"), **result("y", 3)}
        given = {**results, **window, **addition, "padding_zero_point": padding, **attributes}
        constants = [each for tensors in self.layers for each in tensors]
        last = ("QConvFloatAdd" if in_float else "QConvAdd") if adds else "QConv"
        self.op = last.replace("QConv", "QBottleneck")
        self.node = Node(self.op, given, [None] * (1 + adds) + constants, engine)
        per_group = m // window["group"]
        y_pads = [0, 1, 1, 0, 0, 1, 1, 0] if padding == reduced != 0 and per_group % 16 == 0 else [0] * 8
        pads = [0] * 4 if any(y_pads) else window["pads"]
        self.padded = y_pads[1] + y_pads[5]
        self.alone = [
            ("QConv", {**POINTWISE, **result("y", reduced), "y_pads": y_pads}),
            ("QConv", {**window, "pads": pads, "x_zero_point": padding, **result("y")}),
            (last, {**POINTWISE, **addition, **result("y", 3), **({} if adds else {"y_pads": [0] * 8})}),
        ]

    def inputs(self, x: int = X, batch: int = 1, r: int = R) -> list[Tensor]:
        image = Tensor(x, [batch, self.size, self.size, self.c])
        residuals = [Tensor(r, [batch, self.rows, self.rows, self.k])] * self.adds
        return [image, *residuals, *(each for tensors in self.layers for each in tensors)]

    def run(self, x: int = X, y: int = Y, batch: int = 1) -> fakes.Calls:
        fakes.calls()
        assert self.node.run(self.inputs(x, batch), y) == [batch, self.rows, self.rows, self.k]
        return fakes.calls()

    def run_again(self, **given: int) -> fakes.Calls:
        """Once its plans are there and memory for a run lies where it did."""
        for _ in range(2):
            self.run(**given)
        return self.run(**given)

    def launches_of_nodes(self) -> list[str]:
        """The kernels of the three convolutions as nodes of their own, when they run again."""
        size, padded = self.size, self.size + self.padded
        images = [
            [Tensor(X, [1, size, size, self.c])],
            [Tensor(X + ELSEWHERE, [1, padded, padded, self.m])],
            [Tensor(X + 2 * ELSEWHERE, [1, self.rows, self.rows, self.m])],
        ]
        if self.adds:
            images[2].append(Tensor(R, [1, self.rows, self.rows, self.k]))
        found: list[Launch] = []
        for (op, attributes), tensors, constants in zip(self.alone, images, self.layers, strict=True):
            node = Node(op, attributes, [*[None] * len(tensors), *constants], self.engine)
            for _ in range(2):
                fakes.calls()
                node.run([*tensors, *constants], Y)
            found += fakes.calls().launches
        return [launch.kernel for launch in found]


DEPTHWISE: list[dict[str, Any]] = [
    {},
    {"padding": 0},
    {"padding": 5, "strides": [2, 2]},
    {"adds": False},
    {"adds": False, "padding": 5, "strides": [2, 2]},
]
BLOCKS: list[dict[str, Any]] = [
    {},
    {"padding": 0},
    {"padding": 0, "reduced": 0},
    {"padding": 5},
    {"c": 64},
    {"engine": "native_conv"},
    {"engine": ""},
    {"c": 20, "m": 12, "k": 36, "engine": "native_conv"},
    {"a_scale": 1e8, "sum_scale": 1e-3},
    {"result_first": 0},
    {"strides": [2, 2]},
    {"in_float": True},
    {"in_float": True, "padding": 5, "engine": "native_conv"},
    {"in_float": True, "strides": [2, 2], "engine": ""},
    {"in_float": True, "c": 20, "m": 12, "k": 36, "engine": "native_conv"},
    {"in_float": True, "m": 64, "k": 96, "group": 64, "engine": ""},  # no kernel for these adds in float32
    {"adds": False},
    {"adds": False, "padding": 5, "engine": ""},
    *({"m": 64, "k": 336, "group": 64, "engine": "", **given} for given in DEPTHWISE),
]
ASKED: dict[str, Any] = {"m": 64, "engine": "separate_steps"}
CHOSEN: list[dict[str, Any]] = [
    {"m": 64},  # an engine of convolutions is for those of a block
    ASKED,
    {**ASKED, "padding": 0},
    {**ASKED, "padding": 5, "strides": [2, 2]},
    {**ASKED, "in_float": True},
    {**ASKED, "in_float": True, "padding": 5, "strides": [2, 2]},
    *({**ASKED, "group": 64, **given} for given in DEPTHWISE),
]


@pytest.mark.parametrize("options", [*BLOCKS, *CHOSEN], ids=str)
def test_kernels_are_those_of_three_nodes(options: dict[str, Any]) -> None:
    block = Block(**options)
    kernels = [launch.kernel for launch in block.run_again().launches]
    assert kernels == block.launches_of_nodes()
    if options.get("engine", "native_window") == "native_window":
        assert len(kernels) == (4 if "a_scale" in options else 3)


@pytest.mark.parametrize("options", [{}, {"padding": 0}, {"padding": 5}, {"in_float": True}], ids=str)
def test_each_reads_what_the_one_before_wrote(options: dict[str, Any]) -> None:
    block = Block(**options)
    calls = block.run_again()
    reduce, window, last = calls.launches
    assert [launch.weights for launch in calls.launches] == list(WEIGHTS)
    assert (reduce.x, last.y) == (X, Y)
    assert (reduce.y, window.y) == (window.x, last.x)
    assert R in last.residual_and_y
    m = block.m
    between = (14 + block.padded) ** 2 * m
    assert window.y - reduce.y == (between + 255) // 256 * 256
    asked = calls.scratch, calls.tensor_maps, calls.synchronizations, calls.lookups
    assert asked == (1, 0, 0, 0)
    # Where the first one writes the padding, the second has none that needs a table of biases.
    assert (window.biases == WEIGHTS[1] + 0x1000000) == (options.get("padding") != 5)


@pytest.mark.parametrize("options", CHOSEN, ids=str)
def test_chosen_steps(options: dict[str, Any]) -> None:
    """They are the plan of the block, whose convolutions have plans of their own."""
    fakes.clear_plans()
    block = Block(**options)
    block.run_again()
    (chosen,) = [plan for text, (plan, _) in fakes.plans().items() if text.startswith("block ")]
    assert chosen == "separate_steps"
    assert len(fakes.plans()) == 4


def test_blocks_and_their_convolutions_at_the_same_time() -> None:
    """Who compares a block's plans waits for nobody who waits for the GPU."""
    for _ in range(6):
        fakes.clear_plans()
        block = Block(m=64, engine="")
        runs: list[Callable[[], object]] = [block.run, block.launches_of_nodes] * 2
        with ThreadPoolExecutor(len(runs)) as pool:
            started = [pool.submit(run) for run in runs]
            for each in started:
                each.result(timeout=60)
        assert len(fakes.plans()) == 4


@pytest.mark.parametrize("options", [{}, {"m": 64}], ids=str)
def test_steps_keep_their_maps_apart(options: dict[str, Any]) -> None:
    """Each keeps those of as many tensors as a node of its own would."""
    block = Block(**options)
    places = [X + i * ELSEWHERE for i in range(4)]
    for x in places:
        block.run(x)
    for x in places * 2:
        calls = block.run(x)
        assert calls.tensor_maps == calls.lookups == 0
        assert calls.launches[0].x == x
    assert block.run(X + 4 * ELSEWHERE).tensor_maps == 1


def test_steps_keep_their_plans_apart() -> None:
    """Each those of its first 16 problems."""
    block = Block()
    for batch in range(1, 17):
        block.run(batch=batch)
    for batch in range(1, 17):
        assert block.run(batch=batch).lookups == 0


@pytest.mark.parametrize("options", [{}, {"m": 64}], ids=str)
def test_a_run_allocates_only_its_scratch(options: dict[str, Any]) -> None:
    block = Block(**options)
    block.run_again()
    before = block.node.heap_allocations()
    calls = block.run()
    assert calls.scratch == 1
    assert block.node.heap_allocations() - before <= 3


@pytest.mark.parametrize("options", [{}, {"m": 64}], ids=str)
def test_a_graph_captures_it(options: dict[str, Any]) -> None:
    block = Block(padding=5, **options)
    block.run()
    fakes.set_capturing(True)
    calls = block.run()
    assert len(calls.launches) == 3
    assert calls.synchronizations == 0


def test_no_images() -> None:
    block = Block()
    assert block.run(batch=0).launches == []


@pytest.mark.parametrize(
    ("index", "shape", "message"),
    [
        (0, [1, 14, 14, 128], "w_reduce does not fit the channels of x"),
        (0, [14, 14, 256], "x and weights have to be of rank 4"),
        (2, [32, 1, 3, 256], "w_reduce does not fit the channels of x"),
        (3, [16], "bias does not have one value per output channel"),
        (5, [32, 3, 3, 16], "channels do not fit w and group"),
        (8, [256, 1, 1, 64], "w does not fit the channels of w_window"),
        (10, [1], "multiplier does not have one value per output channel"),
    ],
)
@pytest.mark.parametrize("adds", [True, False])
def test_tensors_that_do_not_fit(index: int, shape: list[int], message: str, adds: bool) -> None:
    block = Block(adds=adds)
    inputs = block.inputs()
    node = Node(block.op, block.node.attributes, [None] * len(inputs), "native_window")
    if index > 0 and not adds:
        index -= 1
    inputs[index] = Tensor(inputs[index].address, shape, inputs[index].type)
    with pytest.raises(RuntimeError, match=message):
        node.run(inputs, Y)


def test_a_residual_that_does_not_fit() -> None:
    block = Block()
    inputs = block.inputs()
    inputs[1] = Tensor(R, [1, 14, 13, 256])
    with pytest.raises(RuntimeError, match="the shapes of the residual and the result differ"):
        block.node.run(inputs, Y)


@pytest.mark.parametrize(
    ("x", "w", "expected"),
    [
        (["N", 14, 13, 256], [256, 1, 1, 32], ["N", 14, 13, 256]),
        ([3, 14, 13, 256], ["K", 1, 1, 32], [3, 14, 13, "K"]),
        (None, [256, 1, 1, 32], None),
        ([3, 14, 13, 256], None, None),
    ],
)
@pytest.mark.parametrize("adds", [True, False])
def test_shapes_that_are_not_known(x: Shape, w: Shape, expected: Shape, adds: bool) -> None:
    block = Block(adds=adds)
    shapes: list[Shape] = [each.shape for each in block.inputs()]
    shapes[0], shapes[-3] = x, w
    assert fakes.inferred(block.op, block.node.attributes, shapes) == expected


def test_sizes_that_are_not_known() -> None:
    """Each has a name of its own: a window may change them."""
    block = Block()
    inputs: list[Sequence[int | str]] = [each.shape for each in block.inputs()]
    inputs[0] = [2, "H", "W", 256]
    found = fakes.inferred("QBottleneckAdd", block.node.attributes, inputs)
    assert found is not None and (found[0], found[3]) == (2, 256)
    assert len({*found[1:3], "H", "W"}) == 4
