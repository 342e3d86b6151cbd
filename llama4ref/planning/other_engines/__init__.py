"""Plans for engines whose memory is sized by their published rules and proved by nothing: what fits, and how far that is known."""
