"""A preprocessor of mdbook: links to files that the book does not contain become their text.

On the web and in an editor such a link opens the file; the book is read where the repository is not.
"""

import json
import posixpath
import re
import sys

LINK = re.compile(r"\[((?:[^\[\]]|\[[^\]]*\])*)\]\((\.\.?/[^)#\s]+)[^)]*\)")
FENCE = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)


def without_links_outside(text, folder):
    """Text of a page that lies in `folder` of the book."""

    def link(found):
        place = posixpath.normpath(posixpath.join(folder, found[2]))
        return found[1] if place.startswith("..") else found[0]

    parts = FENCE.split(text)
    return "".join(part if part.startswith("```") else LINK.sub(link, part) for part in parts)


def walk(items):
    for item in items:
        chapter = item.get("Chapter") if isinstance(item, dict) else None
        if chapter:
            folder = posixpath.dirname(chapter.get("path") or "")
            chapter["content"] = without_links_outside(chapter["content"], folder)
            walk(chapter["sub_items"])


if len(sys.argv) > 1 and sys.argv[1] == "supports":
    sys.exit(0)
_, book = json.load(sys.stdin)
walk(book["items"])
json.dump(book, sys.stdout)
