"""Reads a feed from standard input with gPodder's parser and with feedparser, and prints what they have read as JSON."""

import io
import json
import sys

import feedparser
import podcastparser

document = sys.stdin.buffer.read()
by_feedparser = feedparser.parse(document)
read = {
    "podcastparser": podcastparser.parse("https://listen.example/feeds/tide-tables.xml", io.BytesIO(document)),
    "feedparser": {
        "is_broken": bool(by_feedparser.bozo),
        "feed": by_feedparser.feed,
        "entries": by_feedparser.entries,
    },
}
print(json.dumps(read, default=str))
