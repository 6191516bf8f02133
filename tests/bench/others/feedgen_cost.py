"""What Python's feedgen takes to render: prints one line of JSON with nanoseconds for each byte, by number of episodes."""

import datetime
import json
import time

from feedgen.feed import FeedGenerator

PARAGRAPH = "Sun and moon pull at the sea, and the sea follows & comes back, twice a day. "
costs = {}
for count in (1000, 10000):
    feed = FeedGenerator()
    feed.load_extension("podcast")
    feed.title("Tide Tables")
    feed.description("The sea, twice a day.")
    feed.link(href="https://harbour.example")
    feed.podcast.itunes_category("Science")
    for number in range(count):
        entry = feed.add_entry(order="append")
        entry.id(f"epi_{number:026}")
        entry.title(f"Tide {number}: ebb & flow")
        entry.description(PARAGRAPH * (2100 // len(PARAGRAPH)))
        entry.published(datetime.datetime.fromtimestamp(1_500_000_000 + number, datetime.timezone.utc))
        entry.enclosure(f"https://listen.example/media/epi_{number:026}/tide.mp3", "12345678", "audio/mpeg")
        entry.podcast.itunes_duration(1835)
        entry.podcast.itunes_explicit("no")
    best = float("inf")
    for _ in range(3):
        started = time.perf_counter()
        size = len(feed.rss_str())
        best = min(best, time.perf_counter() - started)
    costs[count] = best * 1e9 / size
print(json.dumps(costs))
