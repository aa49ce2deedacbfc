"""What a fine-tuned network has to beat: a water index with a threshold, and a small U-Net taught on the same tiles."""
