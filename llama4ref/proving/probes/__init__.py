"""Questions to a running server, and its speed."""
