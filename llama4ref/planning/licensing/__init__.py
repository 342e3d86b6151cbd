"""What a licence asks of a use."""
