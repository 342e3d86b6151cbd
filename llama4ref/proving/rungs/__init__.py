"""The rungs of the ladder of proof: accepted, miniature, full size."""
