"""The options and environment variables of a vLLM server, as a release spells them, each with its reason."""
