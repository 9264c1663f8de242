"""How tests with random graphs draw: the same ones every time, unless asked for another number."""

import os

from hypothesis import HealthCheck, settings


def fuzz(examples: int) -> settings:
    """So many graphs, or as many as the environment variable QUDNN_FUZZ_EXAMPLES says.

    These depend on pytest's option --hypothesis-seed, so that several processes may share them out.
    """
    given = os.environ.get("QUDNN_FUZZ_EXAMPLES")
    return settings(
        derandomize=given is None,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        max_examples=examples if given is None else int(given),
    )
