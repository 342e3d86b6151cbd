"""Tables of leaves, claims, computed figures and clauses."""
