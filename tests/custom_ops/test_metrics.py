"""plans.metrics(): every counter, in Prometheus' text format."""

import re

import pytest

from qudnn.custom_ops import native, plans

# https://prometheus.io/docs/instrumenting/exposition_formats/: a name, a space, a float.
SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*) ([0-9.e+-]+)")


def test_all_counters_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    counters = {key: number + 0.5 for number, key in enumerate(plans.Statistics.__annotations__)}
    monkeypatch.setattr(native, "statistics", lambda: counters)
    text = plans.metrics()
    assert text.endswith("\n")
    lines = text.splitlines()
    assert len(lines) == 3 * len(counters)
    values = {}
    for help_, type_, sample in zip(lines[::3], lines[1::3], lines[2::3], strict=True):
        match = SAMPLE.fullmatch(sample)
        assert match
        name, value = match.groups()
        assert re.fullmatch(rf"# HELP {name} [A-Z].*\.", help_)
        kind = "counter" if name.endswith("_total") else "gauge"
        assert type_ == f"# TYPE {name} {kind}"
        values[name] = float(value)
    assert list(values.values()) == list(counters.values())  # in their order, so each has its own
    assert values["qudnn_plan_hits_total"] == counters["hits"]
    assert values["qudnn_plan_entries"] == counters["entries"]
    assert values["qudnn_plan_tuning_seconds_total"] == counters["tuning_seconds"]
