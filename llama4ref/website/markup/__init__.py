"""How a page is written: Markdown, footnotes, links, wording."""
