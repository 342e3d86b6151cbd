"""Pages from the catalogue: text first (`make_pages`), then a site (`build_site`)."""

from llama4ref.website.building import SiteReport, build_site
from llama4ref.website.pages.all_pages import make_pages

__all__ = ["SiteReport", "build_site", "make_pages"]
