// What Node's podcast takes to render: prints one line of JSON with nanoseconds for each byte, by number of episodes.
const { Podcast } = require("podcast");

const paragraph = "Sun and moon pull at the sea, and the sea follows & comes back, twice a day. ";
const costs = {};
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
  costs[count] = best / size;
}
console.log(JSON.stringify(costs));
