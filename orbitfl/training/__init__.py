"""Learning onboard: embeddings once per tile, gradient steps on the mask decoder, honest scores (torch)."""
