"""orbitfl: decentralised learning onboard satellites."""
