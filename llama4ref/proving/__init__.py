"""Whether it holds: miniature models, launching, probing, observing, verdict."""
