"""Whether a checkpoint on GPUs fits into their memory, with which settings, and why not where it does not."""
