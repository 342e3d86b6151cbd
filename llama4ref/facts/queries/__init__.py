"""Questions about the whole catalogue: comparing entities, the timeline."""
