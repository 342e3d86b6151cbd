"""From YAML text to values and citations: the strict reader, citing, the cache, the JSON Schemas."""
