"""Whether the facts can be true together: contradictions, claims, errata, cross checks, the report on sources."""
