"""How the tests with random graphs draw: the same graphs every time, so that a failure can be repeated."""

import os

from hypothesis import HealthCheck, settings


def fuzz(examples: int) -> settings:
    """So many graphs, or as many as the environment variable QUDNN_FUZZ_EXAMPLES says."""
    return settings(
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        max_examples=int(os.environ.get("QUDNN_FUZZ_EXAMPLES", examples)),
    )
