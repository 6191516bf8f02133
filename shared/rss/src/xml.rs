//! A document that grows at its end. Whole runs of bytes are copied; only what must be escaped is looked at twice.
//!
//! Text here comes from `domain` types, which hold no character that XML 1.0 forbids.

use memchr::memchr3_iter;

pub(crate) struct Document {
    bytes: Vec<u8>,
}

impl Document {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes) }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Markup, as it is.
    pub(crate) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.bytes.extend_from_slice(markup.as_bytes());
        self
    }

    /// Text between tags. `>` is escaped too: `]]>` may not stand in text.
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.escaped(text.as_bytes(), memchr3_iter(b'&', b'<', b'>', text.as_bytes()))
    }

    /// An attribute's value, between double quotes.
    pub(crate) fn attribute(&mut self, value: &str) -> &mut Self {
        self.escaped(value.as_bytes(), memchr3_iter(b'&', b'<', b'"', value.as_bytes()))
    }

    pub(crate) fn number(&mut self, number: u64) -> &mut Self {
        self.bytes.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
        self
    }

    fn escaped(&mut self, text: &[u8], special: impl Iterator<Item = usize>) -> &mut Self {
        let mut copied = 0;
        for at in special {
            self.bytes.extend_from_slice(text.get(copied..at).unwrap_or_default());
            self.bytes.extend_from_slice(match text.get(at) {
                Some(b'&') => b"&amp;",
                Some(b'<') => b"&lt;",
                Some(b'>') => b"&gt;",
                _ => b"&quot;",
            });
            copied = at + 1;
        }
        self.bytes.extend_from_slice(text.get(copied..).unwrap_or_default());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty() -> Document {
        Document::with_capacity(0)
    }

    fn written(document: &Document) -> &str {
        str::from_utf8(&document.bytes).unwrap()
    }

    #[test]
    fn text_is_escaped() {
        for (text, escaped) in [
            ("", ""),
            ("plain", "plain"),
            ("<b>\"Ebb\" & 'flow'</b>", "&lt;b&gt;\"Ebb\" &amp; 'flow'&lt;/b&gt;"),
            ("]]>", "]]&gt;"),
            ("&amp;", "&amp;amp;"),
            ("<<é>>", "&lt;&lt;é&gt;&gt;"),
        ] {
            assert_eq!(written(empty().text(text)), escaped);
        }
    }

    #[test]
    fn an_attribute_cannot_be_left() {
        let value = r#"" onload="x" a='&<>"#;
        assert_eq!(written(empty().attribute(value)), r#"&quot; onload=&quot;x&quot; a='&amp;&lt;>"#);
    }

    #[test]
    fn numbers_are_decimal() {
        assert_eq!(written(empty().number(0).raw(" ").number(u64::MAX)), "0 18446744073709551615");
    }
}
