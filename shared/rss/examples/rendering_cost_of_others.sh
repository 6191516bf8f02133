#!/bin/sh
# What two other renderers of podcast feeds cost, with feeds as large as those of rendering_cost.rs: Python's feedgen 1.0.0 and
# Node's podcast 2.0.1. Installs both into a folder that it removes again. Needs python3, node and npm.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check feedgen==1.0.0
npm install --silent --ignore-scripts --no-audit --no-fund --no-save podcast@2.0.1

cat > feedgen_cost.py <<'PYTHON'
import datetime, time
from feedgen.feed import FeedGenerator

paragraph = "Sun and moon pull at the sea, and the sea follows & comes back, twice a day. "
for count in (1000, 10000):
    feed = FeedGenerator()
    feed.load_extension("podcast")
    feed.title("Tide Tables"); feed.description("The sea, twice a day."); feed.link(href="https://harbour.example")
    feed.podcast.itunes_category("Science")
    for number in range(count):
        entry = feed.add_entry(order="append")
        entry.id(f"epi_{number:026}"); entry.title(f"Tide {number}: ebb & flow")
        entry.description(paragraph * (2100 // len(paragraph)))
        entry.published(datetime.datetime.fromtimestamp(1_500_000_000 + number, datetime.timezone.utc))
        entry.enclosure(f"https://listen.example/media/epi_{number:026}/tide.mp3", "12345678", "audio/mpeg")
        entry.podcast.itunes_duration(1835); entry.podcast.itunes_explicit("no")
    best = float("inf")
    for _ in range(3):
        started = time.perf_counter()
        size = len(feed.rss_str())
        best = min(best, time.perf_counter() - started)
    print(f"feedgen 1.0.0, {count} episodes: {size / 1e6:.1f} MB, {best * 1e3:.1f} ms, {best * 1e9 / size:.2f} ns/B")
PYTHON
venv/bin/python feedgen_cost.py

cat > podcast_cost.js <<'NODE'
const { Podcast } = require("podcast");
const paragraph = "Sun and moon pull at the sea, and the sea follows & comes back, twice a day. ";
for (const count of [1000, 10000]) {
  const feed = new Podcast({
    title: "Tide Tables", description: "The sea, twice a day.", siteUrl: "https://harbour.example",
    feedUrl: "https://listen.example/feeds/tide-tables.xml", author: "Harbour Radio", itunesCategory: [{ text: "Science" }],
  });
  for (let number = 0; number < count; number++) {
    const guid = "epi_" + String(number).padStart(26, "0");
    feed.addItem({
      title: `Tide ${number}: ebb & flow`, description: paragraph.repeat(Math.floor(2100 / paragraph.length)), guid,
      url: "https://harbour.example", date: new Date(1.5e12 + 1000 * number), itunesDuration: 1835, itunesExplicit: false,
      enclosure: { url: `https://listen.example/media/${guid}/tide.mp3`, size: 12345678, type: "audio/mpeg" },
    });
  }
  let best = Infinity, size = 0;
  for (let round = 0; round < 5; round++) {
    const started = process.hrtime.bigint();
    size = Buffer.byteLength(feed.buildXml());
    best = Math.min(best, Number(process.hrtime.bigint() - started));
  }
  console.log(`podcast 2.0.1, ${count} episodes: ${(size / 1e6).toFixed(1)} MB, ${(best / 1e6).toFixed(1)} ms, ${(best / size).toFixed(2)} ns/B`);
}
NODE
node podcast_cost.js
