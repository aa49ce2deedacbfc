"""What satellites make of each other's updates: strategies, averaging and compression, on NumPy arrays alone.

Weights are a mapping from a parameter's name to a float32 array. Everything here is linear in them, so
it holds for a whole decoder, for its difference to the launch checkpoint, or for a few prompt tokens alike.
"""
