"""Where the satellites are: constellations, propagation, frames, and when a function of time changes sign."""
