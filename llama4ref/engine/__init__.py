"""How a vLLM server is told to serve: its configuration and how a model lies over the GPUs."""
