"""The tables of quantizers.py."""

from typing import Any

from benchmarks.report import transformer_table

Row = dict[str, Any]


def everything(result: Row) -> list[str]:
    """What converted of each model, its times, and what was left of it."""
    models = {name: model for name, model in result["models"].items() if "failed" not in model}
    lines = [
        f"Everything took {result['seconds']:.0f} s.",
        "",
        "| model | ops | islands | entries, exits | left | approximate | off the GPU "
        "| differing: GPU from CPU | converted from original |",
        "| --- |" + " ---: |" * 8,
    ]
    for name, model in result["models"].items():
        if "failed" in model:
            lines.append(f"| {name} | fails: {model['failed'].splitlines()[0]} |")
        else:
            lines.append(f"| {name} | {' | '.join(map(str, _conversion(model)))} |")
    lines += ["", *times(result, models)]
    left = [line for name, model in models.items() for line in transformer_table.left(name, model)]
    return [*lines, *(["", "What was left:", "", *left] if left else [])]


def _conversion(model: Row) -> list[Any]:
    rows = [row for ways in model["batches"].values() for row in ways.values() if "different" in row]
    different, elements = (sum(row[key] for row in rows) for key in ("different", "elements"))
    original = model["from the original"]
    far = f", by {original['largest difference']:.2g}" if original["different"] else ""
    return [
        model["ops"],
        model["islands"],
        f"{model['entries']}, {model['exits']}",
        sum(each["nodes"] for each in model["left"]),
        model["approximate"],
        sum(model["off the GPU"].values()) if "off the GPU" in model else "-",
        f"{different} of {elements}" if rows else "-",
        f"{original['different']} of {original['elements']}{far}",
    ]


def times(result: Row, models: dict[str, Row]) -> list[str]:
    """One row for each way and model, one column for each batch size."""
    measured = {name: model["batches"] for name, model in models.items() if model["batches"]}
    if not measured:
        return ["Without a GPU there are no times."]
    first = next(iter(measured.values()))
    lines = [
        f"Medians of {result['runs']} runs, in brackets the shortest and the longest one, and the median "
        f"over that of {result['reference']}.",
        "",
        "| model, ms | " + " | ".join(f"batch {batch}" for batch in first) + " |",
        "| --- |" + " ---: |" * len(first),
    ]
    for way in next(iter(first.values())):
        for name, batches in measured.items():
            cells = [_cell(ways[way]) for ways in batches.values()]
            lines.append(f"| {name}, {way} | {' | '.join(cells)} |")
    return lines


def _cell(row: Row) -> str:
    if "median" not in row:
        return "fails"
    ratio = f"; {row['ratio']:.2f}x" if "ratio" in row else ""
    return f"{row['median']:.3f} ({row['min']:.3f} to {row['max']:.3f}{ratio})"
