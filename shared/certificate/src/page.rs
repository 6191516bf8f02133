//! A certificate as a page to read and to print: the bytes of an HTML document, which loads nothing and runs nothing.

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    Certificate, Decision, Digest, Kept, KeyDestruction, NotDestroyed, Outcome, StoreDestruction, Technique,
    Verified, page::html::Html,
};

mod html;

/// Writes the page of a certificate that was verified. The same certificate gives the same bytes.
pub fn page(verified: &Verified) -> String {
    let Verified { certificate, key_id } = verified;
    let mut html = Html::new();
    html.raw("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Certificate of destruction ")
        .text(&certificate.deletion_id)
        .raw("</title>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<style>")
        .raw(STYLE)
        .raw("</style>\n</head>\n<body>\n<main>\n");
    write_head(&mut html, certificate);
    write_decisions(&mut html, certificate);
    write_stores(&mut html, &certificate.stores);
    write_verification(&mut html, certificate);
    write_dates(&mut html, certificate);
    write_left(&mut html, &certificate.not_destroyed, &certificate.kept);
    write_signature(&mut html, certificate, key_id);
    html.raw("</main>\n</body>\n</html>\n");
    html.into_text()
}

/// What the page may do, as `Content-Security-Policy`.
pub fn page_policy() -> String {
    let style = STANDARD.encode(Digest::of(&[STYLE.as_bytes()]).as_bytes());
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

fn write_head(html: &mut Html, certificate: &Certificate) {
    let said = match certificate.outcome {
        Outcome::Erased => "Everything was destroyed, and counted: nothing is left.",
        Outcome::Partial => "Not everything could be destroyed. What is left is listed below.",
    };
    html.raw("<h1>Certificate of destruction</h1>\n<p class=\"outcome\">").raw(said).raw("</p>\n<dl>\n");
    row(html, "Certificate", &certificate.deletion_id);
    row(html, "What was destroyed", &format!("{} {}", certificate.scope, certificate.subject_id));
    row(html, "Tenancy", &certificate.tenancy_id);
    row(html, "Generation", &certificate.generation.to_string());
    row(html, "Destroyed by", &certificate.operator);
    row(html, "With", &certificate.software);
    row(html, "Issued at", certificate.issued_at.as_str());
    html.raw("</dl>\n");
}

fn write_decisions(html: &mut Html, certificate: &Certificate) {
    html.raw("<h2>Who decided</h2>\n<p>Names were destroyed, too. Ids stand for people.</p>\n<dl>\n");
    let decided = |decision: &Decision| format!("{}, {}", decision.by, decision.at);
    row(html, "Asked for by", &decided(&certificate.requested));
    if let Some(approved) = &certificate.approved {
        row(html, "Approved by", &decided(approved));
    }
    row(html, "Could be taken back for", &format!("{} days", certificate.retention_days));
    row(html, "Destruction could begin at", certificate.due_at.as_str());
    html.raw("</dl>\n");
}

fn write_stores(html: &mut Html, stores: &[StoreDestruction]) {
    html.raw("<h2>What was destroyed, and how</h2>\n<table>\n<thead><tr><th scope=\"col\">Store</th>")
        .raw("<th scope=\"col\">Items</th><th scope=\"col\">Versions</th><th scope=\"col\">Bytes</th>")
        .raw("<th scope=\"col\">Technique and method</th></tr></thead>\n<tbody>\n");
    for store in stores {
        html.raw("<tr><th scope=\"row\">").text(&store.store).raw("</th>");
        for number in [store.items, store.versions, store.bytes] {
            html.raw("<td class=\"number\">").text(&number.to_string()).raw("</td>");
        }
        html.raw("<td>")
            .raw(technique(store.technique))
            .raw(". ")
            .text(&store.method)
            .raw("<br>Merkle root of ")
            .text(&store.leaves.to_string())
            .raw(" items: <code>")
            .text(&store.root.to_string())
            .raw("</code></td></tr>\n");
    }
    html.raw("</tbody>\n</table>\n<p>Techniques are named as in NIST SP 800-88 Rev. 1.</p>\n");
}

fn write_verification(html: &mut Html, certificate: &Certificate) {
    html.raw("<h2>How it was verified</h2>\n<p>Every store was counted, in full, at ")
        .text(certificate.verified_at.as_str())
        .raw(", after ")
        .text(&certificate.passes.to_string())
        .raw(if certificate.passes == 1 { " pass" } else { " passes" })
        .raw(".</p>\n<table>\n<thead><tr><th scope=\"col\">Store</th><th scope=\"col\">Left</th>")
        .raw("<th scope=\"col\">Counted by</th></tr></thead>\n<tbody>\n");
    for store in &certificate.stores {
        html.raw("<tr><th scope=\"row\">")
            .text(&store.store)
            .raw("</th><td class=\"number\">")
            .text(&store.verification.remaining.to_string())
            .raw("</td><td>")
            .text(&store.verification.counted_by)
            .raw("</td></tr>\n");
    }
    html.raw("</tbody>\n</table>\n");
}

fn write_dates(html: &mut Html, certificate: &Certificate) {
    html.raw("<h2>When it is gone from everywhere</h2>\n<dl>\n");
    if certificate.outcome == Outcome::Erased {
        row(html, "From every store", certificate.verified_at.day());
    }
    if let Some(KeyDestruction { key_id, destroyed_at, .. }) = &certificate.key {
        row(html, "Key", key_id);
        row(html, "Key destroyed: sealed fields can be read in no backup either", destroyed_at.day());
    }
    row(html, "The last backup expires that has any of it", certificate.backups_gone_at.day());
    html.raw("</dl>\n");
}

fn write_left(html: &mut Html, not_destroyed: &[NotDestroyed], kept: &[Kept]) {
    html.raw("<h2>What could not be destroyed</h2>\n");
    if not_destroyed.is_empty() {
        html.raw("<p>Nothing.</p>\n");
    } else {
        html.raw("<ul>\n");
        for item in not_destroyed {
            html.raw("<li>").text(&item.store).raw(": <code>").text(&item.key).raw("</code>. ");
            html.text(&item.reason).raw("</li>\n");
        }
        html.raw("</ul>\n");
    }
    if !kept.is_empty() {
        html.raw("<h2>What is kept on purpose</h2>\n<ul>\n");
        for item in kept {
            html.raw("<li>").text(&item.what);
            match &item.until {
                Some(until) => html.raw(", until ").text(until.day()),
                None => html.raw(", for good"),
            };
            html.raw(". ");
            html.text(&item.why).raw("</li>\n");
        }
        html.raw("</ul>\n");
    }
}

fn write_signature(html: &mut Html, certificate: &Certificate, key_id: &str) {
    html.raw("<h2>Signature</h2>\n<p>The file of this certificate is signed with ES256 by the key <code>")
        .text(key_id)
        .raw("</code>. Paper proves nothing: check the file, with <code>castkeep-verify</code> and the keys that ")
        .text(&certificate.operator)
        .raw(" publishes.</p>\n");
}

fn row(html: &mut Html, name: &'static str, value: &str) {
    html.raw("<dt>").raw(name).raw("</dt><dd>").text(value).raw("</dd>\n");
}

fn technique(technique: Technique) -> &'static str {
    match technique {
        Technique::Clear => "Clear",
        Technique::Purge => "Purge",
        Technique::CryptographicErase => "Cryptographic erase",
    }
}

/// The only style that the policy lets in.
const STYLE: &str = "\
:root{color-scheme:light dark}\
*{box-sizing:border-box}\
body{margin:0 auto;max-width:56rem;padding:1.5rem;font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}\
h1{font-size:1.8rem;line-height:1.2;margin:0 0 .5rem}\
h2{font-size:1.2rem;margin:1.75rem 0 .5rem}\
.outcome{font-size:1.15rem;font-weight:600}\
dl{display:grid;grid-template-columns:minmax(9rem,1fr) 2fr;gap:.25rem 1rem;margin:0}\
dd{margin:0}\
dt{font-weight:600}\
table{border-collapse:collapse;width:100%}\
th,td{border:1px solid;padding:.35rem .5rem;text-align:left;vertical-align:top}\
.number{text-align:right;font-variant-numeric:tabular-nums}\
code{font-size:.85em}\
@media print{:root{color-scheme:light}body{max-width:none;padding:0;font-size:10pt}tr,dl,li{break-inside:avoid}h2{break-after:avoid}}";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::tests::{certificate, left};

    fn page_of(certificate: Certificate) -> String {
        page(&Verified { certificate, key_id: "k1".to_owned() })
    }

    #[test]
    fn a_page_says_all_that_a_person_needs() {
        insta::assert_snapshot!(page_of(certificate()).split_once("<main>").unwrap().1);
    }

    #[test]
    fn what_is_left_is_on_the_page() {
        let mut partial = certificate();
        partial.outcome = Outcome::Partial;
        partial.not_destroyed.push(left());
        let page = page_of(partial);
        assert!(page.contains("Not everything could be destroyed.") && !page.contains("From every store"));
        assert!(page.contains("<li>media_bucket: <code>a</code>. It is locked.</li>"));
    }

    #[test]
    fn hostile_words_stay_words() {
        let ordinary = page_of(certificate());
        for hostile in [
            "<script>alert(1)</script>",
            "</style><img src=x onerror=alert(1)>",
            "\" onload=\"alert(1)",
            "<!--",
        ] {
            let mut words = certificate();
            words.operator = hostile.to_owned();
            words.software = hostile.to_owned();
            words.deletion_id = hostile.to_owned();
            words.stores[0].method = hostile.to_owned();
            words.stores[0].verification.counted_by = hostile.to_owned();
            words.kept[0].what = hostile.to_owned();
            let page = page_of(words);
            assert_eq!(page.matches('<').count(), ordinary.matches('<').count(), "{hostile}: {page}");
            assert!(!page.contains("=\"alert"), "{page}");
        }
    }

    #[test]
    fn a_page_loads_and_runs_nothing() {
        let page = page_of(certificate());
        for part in ["<script", "src=", "href=", "url(", "@import", " style=", "http"] {
            assert!(!page.contains(part), "{part}");
        }
        let policy = page_policy();
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"));
    }
}
