"""The counters of plans as a monitoring system reads them."""

from collections.abc import Mapping

# What is in `plans.statistics()`: what it is called outside, its type, and what it says.
_METRICS = {
    "hits": ("plan_hits_total", "counter", "Plans that were looked up and found in the process"),
    "misses": ("plan_misses_total", "counter", "Plans that were looked up and not found in the process"),
    "builds": ("plan_builds_total", "counter", "Plans that were made, by tuning or by heuristics"),
    "evictions": ("plan_evictions_total", "counter", "Plans that were dropped for lack of room"),
    "entries": ("plan_entries", "gauge", "Plans in the process"),
    "disk_hits": ("plan_disk_hits_total", "counter", "Plans that a file or an import had"),
    "disk_writes": ("plan_disk_writes_total", "counter", "Files of plans that were written"),
    "disk_rejected": ("plan_disk_rejected_total", "counter", "Files of plans that could not be used"),
    "candidates_built": ("plan_candidates_built_total", "counter", "Candidates that tuning has built"),
    "candidates_dropped": ("plan_candidates_dropped_total", "counter", "Candidates that could not be used"),
    "tuning_seconds": ("plan_tuning_seconds_total", "counter", "Seconds that went into making plans"),
    "pending": ("plan_pending", "gauge", "Problems whose fastest plan is looked for aside, or will be"),
    "swapped": ("plan_swapped_total", "counter", "Plans that took the place of guesses"),
}


def prometheus(statistics: Mapping[str, float]) -> str:
    """Statistics in Prometheus' text format (version 0.0.4); each name begins with `qudnn_`."""
    lines = []
    for key, value in statistics.items():
        name, kind, text = _METRICS[key]
        lines += [f"# HELP qudnn_{name} {text}.", f"# TYPE qudnn_{name} {kind}", f"qudnn_{name} {value}"]
    return "\n".join(lines) + "\n"
