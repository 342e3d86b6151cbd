"""What is true about Llama 4, and who says so."""

from llama4ref.facts.catalog import Catalog
from llama4ref.facts.loading import catalog_of, load

__all__ = ["Catalog", "catalog_of", "load"]
