"""Files that stand in for a checkpoint: configuration, tokenizer, miniature weights, mends for the CPU."""
