"""Past matches in, the numbers a model sees out.

Pickled by value with every model, so it knows only the standard library and
numpy, holds its state in arrays, dicts and numbers, and never looks past a
kick-off.
"""
