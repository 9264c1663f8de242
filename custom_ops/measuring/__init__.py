"""How models are measured, by `qudnn bench` and by the benchmarks of the source tree alike."""
