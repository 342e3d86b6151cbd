"""Pages from the catalogue: text first (`pages`), then a site (`build_site`)."""

from llama4ref.website.building import SiteReport, build_site
from llama4ref.website.pages import pages

__all__ = ["SiteReport", "build_site", "pages"]
