#!/usr/bin/env python3
"""Checks that each relative link of a folder of HTML pages leads to a file, and each #fragment to an id.

Usage: check_links.py FOLDER. Links to other hosts are not followed: that would test the network.
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The links and the ids of one page."""

    def __init__(self, path):
        super().__init__()
        self.links, self.ids = [], set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ("href", "src") and value and tag != "base":
                self.links.append((self.getpos()[0], value))
            if name in ("id", "name") and value:
                self.ids.add(value)


def main():
    folder = Path(sys.argv[1]).resolve()
    pages = {path: Page(path) for path in sorted(folder.rglob("*.html"))}
    faults, checked = [], 0
    for path, page in pages.items():
        # The page for unknown addresses is made for a server's root, where its links are absolute.
        if path.name == "404.html":
            continue
        for line, link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            checked += 1
            where = f"{path.relative_to(folder)}:{line}"
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir():
                target /= "index.html"
            if not target.is_file():
                faults.append(f"{where}: {link} leads to no file")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].ids:
                faults.append(f"{where}: {link} leads to no heading")
    for fault in faults:
        print(fault, file=sys.stderr)
    if not pages or not checked:
        sys.exit(f"check_links: no pages with links in {folder}")
    print(f"{len(pages)} pages, {checked} links, {len(faults)} dead")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
