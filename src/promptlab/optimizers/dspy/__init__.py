"""DSPy's optimizers and programs over our door. Nothing here imports DSPy before it is used."""
