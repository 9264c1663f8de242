"""Models in files: reading them, their weights, writing them whole or not at all."""
