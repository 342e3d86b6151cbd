"""Which hosted offers meet what a person wants: one set of rules for plans, the `providers` command and the site."""
