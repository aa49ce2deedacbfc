"""What `orbitfl bench` measures: each room side by side with what others would use, in one run."""
