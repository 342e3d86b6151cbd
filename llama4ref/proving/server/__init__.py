"""One vLLM server: starting, supervising, ending it, and reading what it says."""
