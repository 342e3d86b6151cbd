"""What follows from a model's and a format's facts alone: tensors, bytes as stored, quantities."""
