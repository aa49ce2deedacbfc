"""What satellites make of each other's updates, on NumPy arrays alone.

A model here is one flat float32 vector: its difference to the launch checkpoint, in the order of a `Layout`. Everything
is linear in it, so it holds for a whole decoder and for a few prompt tokens alike.

weights: vectors and layouts. compressors: numbers to few bytes. references: what lets sparse compressors work.
messages, chunks: bytes on the wire. screening: what is not even merged. rules: how models become one. strategies: who
sends what to whom, and what is made of it.
"""
