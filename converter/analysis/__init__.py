"""What is known of a model before it runs: types, shapes, numbers, windows, views."""
