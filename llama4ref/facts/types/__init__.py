"""The kinds of facts as typed records, one module a kind, and what they share: sources, releases."""
