"""What comes into question: checkpoints, machines, layouts, caches and draft heads, and why others do not."""
