// Reads a feed from standard input with Podcast Index's own parser, from the folder that the argument names, and prints what it
// has read as JSON.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

process.env.PARTYTIME_LOG = "error";
const require = createRequire(`${process.argv[2]}/`);
const partytime = require("podcast-partytime").default ?? require("podcast-partytime");
console.log(JSON.stringify(partytime.parseFeed(readFileSync(0, "utf8"))));
