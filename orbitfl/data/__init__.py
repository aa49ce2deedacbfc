"""Sentinel-2 scenes with water masks: read or synthesised, cut into tiles and shared out."""
