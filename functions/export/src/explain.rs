//! What explains an archive: `README.html`, which a person reads offline, and the JSON Schemas of what is in it.

use std::fmt::Write;

use domain::{Export, ExportScope};
use serde_json::{Map, Value};

use crate::{FILES_ARE_BESIDE, gathered::Gathered, records::MissingFile};

/// Made from the types of `records` by a test, and committed: the code that makes schemas is not in what runs.
const SCHEMAS: &str = include_str!("../schemas.json");

/// How many missing files the page names. The manifest has all.
const MOST_NAMED: usize = 100;

/// The files that explain `export`.
pub(crate) fn files(
    export: &Export,
    gathered: &[Gathered],
    missing: &[MissingFile],
) -> Vec<(String, Vec<u8>)> {
    let schemas: Map<String, Value> = serde_json::from_str(SCHEMAS).unwrap_or_default();
    let schemas = schemas.into_iter().map(|(name, schema)| {
        let text = serde_json::to_string_pretty(&schema).unwrap_or_default();
        (format!("schemas/{name}.schema.json"), format!("{text}\n").into_bytes())
    });
    let readme = ("README.html".to_owned(), readme(export, gathered, missing).into_bytes());
    std::iter::once(readme).chain(schemas).collect()
}

fn readme(export: &Export, gathered: &[Gathered], missing: &[MissingFile]) -> String {
    let mut page = format!(
        "{HEAD}<p>Made on {} by Castkeep. Export <code>{}</code>.</p>\n",
        export.created_at, export.id
    );
    page.push_str(match export.scope {
        ExportScope::Person { .. } => PERSON,
        ExportScope::Shows { .. } => SHOWS,
        ExportScope::Tenancy {} => TENANCY,
    });
    let mut shows = gathered.iter().flat_map(|step| &step.shows).peekable();
    if shows.peek().is_some() {
        page.push_str("<h2>Shows</h2>\n<table>\n<tr><th>Show</th><th>Episodes</th><th>Folder</th></tr>\n");
        for show in shows {
            let (title, slug) = (escape(&show.title), escape(&show.slug));
            _ = writeln!(
                page,
                "<tr><td dir=\"auto\">{title}</td><td>{}</td><td><a href=\"shows/{slug}/\">shows/{slug}</a></td></tr>",
                show.episodes
            );
        }
        page.push_str("</table>\n");
        _ = writeln!(
            page,
            "<p>{FEEDS} <code>{FILES_ARE_BESIDE}</code>: put this folder on a web server, and write its address there instead.</p>"
        );
    }
    page.push_str("<h2>Is it complete?</h2>\n");
    page.push_str(CHECK);
    if missing.is_empty() {
        page.push_str("<p>No file is missing.</p>\n");
    } else {
        _ = writeln!(page, "<p>{} files should be here and are not:</p>\n<ul>", missing.len());
        for file in missing.iter().take(MOST_NAMED) {
            _ = writeln!(page, "<li><code>{}</code>: {}</li>", escape(&file.path), escape(&file.reason));
        }
        page.push_str("</ul>\n<p>All are in <code>manifest.json</code>.</p>\n");
    }
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

/// Text, as HTML has it between tags and between double quotes.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

const HEAD: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Your export from Castkeep</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<style>
body { font: 1rem/1.6 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: start; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #8886; vertical-align: top }
pre { overflow-x: auto; padding: .8rem; border: 1px solid #8886 }
</style>
</head>
<body>
<main>
<h1>Your export from Castkeep</h1>
"#;

const TENANCY: &str = "<p>This is everything that your organisation keeps at Castkeep. Where there are several archives, unpack all
into the same folder.</p>
<table>
<tr><th>Where</th><th>What</th></tr>
<tr><td><code>tenancy.json</code></td><td>Your organisation, its settings, groups, single sign-on and attested access reviews</td></tr>
<tr><td><code>users/</code>, <code>clients/</code></td><td>People and machine clients, and what they may do; no passwords and no secrets</td></tr>
<tr><td><code>shows/</code></td><td>For each show: <code>show.json</code>, its episodes, its listeners, and <code>feed.xml</code></td></tr>
<tr><td><code>media/</code></td><td>Recordings as you uploaded them, what was made of them, artwork, transcripts and chapters: each under its SHA-256; the numbered JSON files say which is which</td></tr>
<tr><td><code>audit/</code></td><td>The audit log, one event a line; what verifying it found; and a Python program that verifies it again</td></tr>
<tr><td><code>schemas/</code></td><td>JSON Schemas of all of these</td></tr>
<tr><td><code>manifest.json</code></td><td>Every file with its size and SHA-256, in the last archive</td></tr>
</table>
";

const SHOWS: &str = "<p>These are shows of yours with all that belongs to them. Where there are several archives, unpack all into the
same folder.</p>
<table>
<tr><th>Where</th><th>What</th></tr>
<tr><td><code>shows/</code></td><td>For each show: <code>show.json</code>, its episodes, its listeners, and <code>feed.xml</code></td></tr>
<tr><td><code>media/</code></td><td>Recordings as you uploaded them, what was made of them, artwork, transcripts and chapters: each under its SHA-256; the numbered JSON files say which is which</td></tr>
<tr><td><code>schemas/</code></td><td>JSON Schemas of all of these</td></tr>
<tr><td><code>manifest.json</code></td><td>Every file with its size and SHA-256, in the last archive</td></tr>
</table>
";

const PERSON: &str = "<p>This is what is kept of one person: <code>person.json</code> says who they are, as somebody who signs in and as
somebody who listens, and <code>events/</code> what they did and what was done to them. Of other people there is nothing here, not even an
id.</p>
";

const FEEDS: &str = "Another podcast host can import <code>feed.xml</code>. A public show's names its files where they are published;
a private show's, which nobody else can fetch, names them under";

const CHECK: &str = "<p>Python, without anything else, tells whether every file is as it was:</p>
<pre>python3 -c '
import hashlib, json
for file in json.load(open(\"manifest.json\"))[\"files\"]:
    digest = hashlib.file_digest(open(file[\"path\"], \"rb\"), \"sha256\")
    assert digest.hexdigest() == file[\"sha256\"], file[\"path\"]
print(\"complete\")'</pre>
";
