"""Files that stand in for a checkpoint: configuration, tokenizer, miniature weights, repairs for the CPU."""
