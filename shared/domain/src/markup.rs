//! The little HTML that podcast apps show: certain tags, each closed, without attributes but a link's address.

use url::Url;

use crate::Invalid;

/// What Apple Podcasts keeps of a description, and the four for bold and italic that other apps keep too.
pub(crate) const DESCRIPTION_TAGS: &[&str] = &["p", "ol", "ul", "li", "a", "b", "i", "strong", "em"];

/// What apps show of `content:encoded`.
pub(crate) const CONTENT_TAGS: &[&str] = &[
    "p",
    "ol",
    "ul",
    "li",
    "a",
    "b",
    "i",
    "strong",
    "em",
    "br",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "blockquote",
    "code",
    "pre",
    "hr",
];

/// Tags that nothing closes.
const VOID: [&str; 2] = ["br", "hr"];

/// Whether an HTML tokenizer would see only tags of `allowed` in `html`, properly nested. A `<` before anything but a letter,
/// `/`, `!` and `?` is text.
///
/// # Errors
/// [`Invalid`], naming the tag.
pub(crate) fn check(html: &str, allowed: &[&str]) -> Result<(), Invalid> {
    let mut open: Vec<String> = Vec::new();
    let mut rest = html;
    while let Some((_, behind)) = rest.split_once('<') {
        rest = behind;
        match behind.bytes().next() {
            Some(b'/') => rest = close(behind.get(1..).unwrap_or_default(), &mut open)?,
            Some(byte) if byte.is_ascii_alphabetic() => rest = start(behind, allowed, &mut open)?,
            Some(b'!' | b'?') => {
                return Err(Invalid::new("HTML comments and declarations (<! and <?) are not allowed"));
            }
            _ => {}
        }
    }
    match open.last() {
        Some(name) => Err(Invalid::new(format!("<{name}> is never closed: put </{name}> behind it"))),
        None => Ok(()),
    }
}

/// Behind `</`: the end of the innermost open tag.
fn close<'t>(text: &'t str, open: &mut Vec<String>) -> Result<&'t str, Invalid> {
    let (name, behind) = tag_name(text);
    if open.last() != Some(&name) {
        return Err(Invalid::new(format!("</{name}> closes no open <{name}>")));
    }
    open.pop();
    behind
        .trim_start_matches(is_space)
        .strip_prefix('>')
        .ok_or_else(|| Invalid::new(format!("</{name} has no > at its end")))
}

/// Behind `<`: a name, and for a link its address.
fn start<'t>(text: &'t str, allowed: &[&str], open: &mut Vec<String>) -> Result<&'t str, Invalid> {
    let (name, behind) = tag_name(text);
    if !allowed.contains(&name.as_str()) {
        let allowed = allowed.join(", ");
        return Err(Invalid::new(format!("<{name}> is not allowed here: the tags are {allowed}")));
    }

    let mut behind = behind.trim_start_matches(is_space);
    if name == "a" {
        behind = link(behind)?.trim_start_matches(is_space);
    }
    let is_void = VOID.contains(&name.as_str());
    if is_void {
        behind = behind.strip_prefix('/').unwrap_or(behind);
    } else {
        open.push(name.clone());
    }
    behind.strip_prefix('>').ok_or_else(|| {
        Invalid::new(format!("<{name}> has an attribute that is not allowed, or no > at its end"))
    })
}

/// The one attribute of a link: a URL that opens a page or a letter.
fn link(attributes: &str) -> Result<&str, Invalid> {
    link_address(attributes)
        .map(|(_, behind)| behind)
        .ok_or(Invalid::new("<a> has one attribute, href, with an http, https or mailto URL in quotes"))
}

/// The address in the attributes of an `<a>`, if it opens a page or a letter, and what is behind that attribute.
#[must_use]
pub fn link_address(attributes: &str) -> Option<(Url, &str)> {
    let (address, behind) = href(attributes)?;
    let url = Url::parse(&address.replace("&amp;", "&")).ok()?;
    matches!(url.scheme(), "http" | "https" | "mailto").then_some((url, behind))
}

/// The value of `href="…"`, and what is behind it.
fn href(attributes: &str) -> Option<(&str, &str)> {
    let (name, behind) = attributes.split_at_checked("href".len())?;
    let quoted = behind.trim_start_matches(is_space).strip_prefix('=')?.trim_start_matches(is_space);
    let quote = quoted.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    quoted.strip_prefix(quote)?.split_once(quote).filter(|_| name.eq_ignore_ascii_case("href"))
}

/// The name in lower case, and what is behind it. Long and strange names are cut: they end up in messages.
fn tag_name(text: &str) -> (String, &str) {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len());
    let (name, behind) = text.split_at(end);
    (name.chars().take(20).collect::<String>().to_ascii_lowercase(), behind)
}

/// The same text with no other tags than those of `allowed`, each closed: what [`check`] takes. Of a tag that is left out its text
/// stays, but for scripts and styles.
pub(crate) fn simplify(html: &str, allowed: &[&str]) -> String {
    let mut simple = String::with_capacity(html.len());
    let mut open: Vec<String> = Vec::new();
    let mut rest = html;
    while let Some((before, behind)) = rest.split_once('<') {
        simple.push_str(before);
        rest = match behind.bytes().next() {
            Some(b'!' | b'?') => {
                let end = if behind.starts_with("!--") { "-->" } else { ">" };
                behind.split_once(end).map_or("", |(_, behind)| behind)
            }
            Some(b'/') => {
                let (name, behind) = tag_name(behind.get(1..).unwrap_or_default());
                if let Some(at) = open.iter().rposition(|opened| *opened == name) {
                    open.drain(at..).rev().for_each(|name| close_tag(&mut simple, &name));
                }
                behind.split_once('>').map_or("", |(_, behind)| behind)
            }
            Some(byte) if byte.is_ascii_alphabetic() => simplify_tag(behind, allowed, &mut simple, &mut open),
            Some(b' ') => {
                simple.push('<');
                behind
            }
            // What comes behind it then may look like a tag once others are left out between.
            _ => {
                simple.push_str("&lt;");
                behind
            }
        };
    }
    simple.push_str(rest);
    open.drain(..).rev().for_each(|name| close_tag(&mut simple, &name));
    simple
}

fn close_tag(simple: &mut String, name: &str) {
    simple.push_str("</");
    simple.push_str(name);
    simple.push('>');
}

/// Behind `<`: what is behind the tag.
fn simplify_tag<'t>(text: &'t str, allowed: &[&str], simple: &mut String, open: &mut Vec<String>) -> &'t str {
    const BREAKS: [&str; 12] = ["br", "p", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "hr"];
    let (name, behind) = tag_name(text);
    let (attributes, behind) = behind.split_once('>').unwrap_or((behind, ""));
    if matches!(name.as_str(), "script" | "style") {
        let end = format!("</{name}");
        let lower = behind.to_ascii_lowercase();
        let end = lower.find(&end).and_then(|at| behind.get(at..));
        return end.and_then(|end| end.split_once('>')).map_or("", |(_, behind)| behind);
    }
    let address = (name == "a")
        .then(|| attributes.to_ascii_lowercase().find("href"))
        .flatten()
        .and_then(|at| link_address(attributes.get(at..)?))
        .map(|(url, _)| url.as_str().replace('&', "&amp;"));
    if !allowed.contains(&name.as_str()) || (name == "a" && address.is_none()) {
        if BREAKS.contains(&name.as_str()) {
            simple.push('\n');
        }
        return behind;
    }
    simple.push('<');
    simple.push_str(&name);
    if let Some(address) = address {
        simple.push_str(" href=\"");
        simple.push_str(&address);
        simple.push('"');
    }
    simple.push('>');
    if !VOID.contains(&name.as_str()) {
        open.push(name);
    }
    behind
}

fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\n' | '\t')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_simplified_keeps_its_text_and_the_tags_that_may_be() {
        for (html, simple) in [
            ("a < b & c", "a < b & c"),
            ("<p>One<br>two</p>", "<p>One\ntwo</p>"),
            ("<div class=x>Hi <b>there</div>", "\nHi <b>there</b>"),
            ("<b><i>x</b> y", "<b><i>x</i></b> y"),
            ("<!-- <b> -->x<script>alert(1)</script>y", "xy"),
            (
                r#"<a class="l" href="https://example.org/?a&amp;b">x</a>"#,
                r#"<a href="https://example.org/?a&amp;b">x</a>"#,
            ),
            (r#"<a href="javascript:alert(1)">x</a>"#, "x"),
            ("</p>x<a", "x"),
        ] {
            assert_eq!(simplify(html, DESCRIPTION_TAGS), simple, "{html}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_simplified_is_taken(html in r#"([<>/!?="' ]|<a href="|<b>|</b>|<p |br|--|é|x|https://x.example/){0,40}"#) {
            prop_assert!(check(&simplify(&html, DESCRIPTION_TAGS), DESCRIPTION_TAGS).is_ok());
        }
    }

    fn refusal(html: &str) -> String {
        check(html, DESCRIPTION_TAGS).unwrap_err().to_string()
    }

    #[test]
    fn what_apps_show_is_taken() {
        for good in [
            "",
            "I <3 radio, a < b > c",
            "<p>One <b>two <i>three</i></b></p>\n<UL><li>four</LI></ul >",
            "<a href=\"https://example.org/?a=1&amp;b=2\">there</a>",
            "<a  HREF = 'mailto:a@example.org' >write</a>",
            "&lt;script&gt;",
        ] {
            assert_eq!(check(good, DESCRIPTION_TAGS), Ok(()), "{good}");
        }
        assert_eq!(check("<h2>x</h2><br><br/><hr />", CONTENT_TAGS), Ok(()));
    }

    #[test]
    fn a_refusal_names_the_tag() {
        for (html, named) in [
            ("<script>alert(1)</script>", "<script> is not allowed here"),
            ("<SCRIPT src=x>", "<script> is not allowed here"),
            ("a<br>b", "<br> is not allowed here"),
            ("<p>one", "<p> is never closed"),
            ("<b><i>x</b></i>", "</b> closes no open <b>"),
            ("</p>", "</p> closes no open <p>"),
            ("<p", "<p> has an attribute that is not allowed, or no > at its end"),
            ("<p onclick=\"x\">y</p>", "<p> has an attribute that is not allowed"),
            ("<p/>", "<p> has an attribute that is not allowed"),
            ("<a>x</a>", "<a> has one attribute, href"),
            ("<a href=x>y</a>", "<a> has one attribute, href"),
            ("<a href=\"javascript:alert(1)\">y</a>", "<a> has one attribute, href"),
            ("<a href=\"java\nscript:alert(1)\">y</a>", "<a> has one attribute, href"),
            ("<a href=\"javascript&colon;alert(1)\">y</a>", "<a> has one attribute, href"),
            ("<a href=\"/path\">y</a>", "<a> has one attribute, href"),
            (
                "<a href=\"https://example.org\" onclick=\"x\">y</a>",
                "<a> has an attribute that is not allowed",
            ),
            ("<!-- x -->", "HTML comments"),
            ("<?xml?>", "HTML comments"),
            ("<![CDATA[x]]>", "HTML comments"),
            ("</>", "</> closes no open <>"),
        ] {
            assert!(refusal(html).contains(named), "{html}: {}", refusal(html));
        }
    }

    #[test]
    fn a_message_does_not_repeat_an_endless_name() {
        assert!(refusal(&format!("<{}>", "x".repeat(1_000_000))).len() < 200);
    }
}
