"""Whole models: time, bits, what converts, memory, tuning."""
