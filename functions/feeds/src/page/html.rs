//! A page that grows at its end. Whatever is not our own markup is escaped here and nowhere else.

/// What a description may have of HTML, and a page shows: nothing with attributes, but links.
const TAGS: [&str; 8] = ["p", "ol", "ul", "li", "b", "i", "strong", "em"];

pub(crate) struct Html {
    text: String,
}

impl Html {
    pub(crate) fn new() -> Self {
        Self { text: String::new() }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.text.into_bytes()
    }

    /// Markup of our own, as it is.
    pub(crate) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.text.push_str(markup);
        self
    }

    /// Text between tags, or an attribute's value between double quotes.
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        for character in text.chars() {
            self.escaped(character);
        }
        self
    }

    /// The little HTML of a description. A tag that is not known is text.
    pub(crate) fn prose(&mut self, html: &str) -> &mut Self {
        let mut rest = html;
        while let Some(character) = rest.chars().next() {
            if character == '<'
                && let Some(behind) = self.tag(rest)
            {
                rest = behind;
                continue;
            }
            // Text of a description is HTML already: `&amp;` stands for `&`.
            if character == '&' {
                self.text.push('&')
            } else {
                self.escaped(character)
            }
            rest = rest.get(character.len_utf8()..).unwrap_or_default();
        }
        self
    }

    /// Writes the tag that `rest` begins with, if it is known, and answers what is behind it.
    fn tag<'t>(&mut self, rest: &'t str) -> Option<&'t str> {
        let (tag, behind) = rest.strip_prefix('<')?.split_once('>')?;
        let name = tag.strip_prefix('/').unwrap_or(tag);
        if let Some(known) = TAGS.iter().find(|known| known.eq_ignore_ascii_case(name)) {
            self.raw(if name.len() < tag.len() { "</" } else { "<" }).raw(known).raw(">");
        } else if tag.eq_ignore_ascii_case("/a") {
            self.raw("</a>");
        } else {
            let attributes = tag.strip_prefix(['a', 'A'])?.strip_prefix([' ', '\n', '\t'])?.trim_start();
            let (url, _) = domain::link_address(attributes).filter(|(_, behind)| behind.trim().is_empty())?;
            self.raw("<a rel=\"nofollow noreferrer\" href=\"").text(url.as_str()).raw("\">");
        }
        Some(behind)
    }

    fn escaped(&mut self, character: char) {
        match character {
            '&' => self.text.push_str("&amp;"),
            '<' => self.text.push_str("&lt;"),
            '>' => self.text.push_str("&gt;"),
            '"' => self.text.push_str("&quot;"),
            '\'' => self.text.push_str("&#39;"),
            other => self.text.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> String {
        String::from_utf8(std::mem::replace(Html::new().text(text), Html::new()).into_bytes()).unwrap()
    }

    fn prose(text: &str) -> String {
        String::from_utf8(std::mem::replace(Html::new().prose(text), Html::new()).into_bytes()).unwrap()
    }

    #[test]
    fn text_is_escaped() {
        assert_eq!(text("<b a='\"'>&amp; é"), "&lt;b a=&#39;&quot;&#39;&gt;&amp;amp; é");
    }

    #[test]
    fn the_tags_of_a_description_stay() {
        for (html, shown) in [
            ("<p>Ebb &amp; <b>flow</b></p>", "<p>Ebb &amp; <b>flow</b></p>"),
            ("<UL><LI>one</LI></UL>", "<ul><li>one</li></ul>"),
            ("I <3 radio\nand tea", "I &lt;3 radio\nand tea"),
            (
                r#"<a href="https://example.org/?a=1&amp;b=2">a</a>"#,
                r#"<a rel="nofollow noreferrer" href="https://example.org/?a=1&amp;b=2">a</a>"#,
            ),
            (
                "<A  HREF = 'mailto:a@example.org' >a</A>",
                r#"<a rel="nofollow noreferrer" href="mailto:a@example.org">a</a>"#,
            ),
        ] {
            assert_eq!(prose(html), shown);
        }
    }

    #[test]
    fn no_other_tag_gets_through() {
        for html in [
            "<script>alert(1)</script>",
            "<p onclick=\"x\">",
            "<p\n>",
            "<b/>",
            "<a href=\"javascript:alert(1)\">",
            "<a href='javascript:alert(1)'>",
            "<a href='https://example.org' onclick='x'>",
            "<ahref='https://example.org'>",
            "<a onclick=\"x\" href=\"https://example.org\">",
            "<img src=x onerror=alert(1)>",
            "<!--",
            "<",
            "<a href=\"",
        ] {
            let shown = prose(html);
            assert!(!shown.contains('<'), "{html} became {shown}");
        }
        let quoted = prose("<a href=\"https://example.org/\" onclick=\"x\">");
        assert!(!quoted.contains("onclick=\""), "{quoted}");
    }
}
