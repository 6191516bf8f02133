//! A document that grows at its end. Whole runs of bytes are copied; only what must be escaped is looked at twice.
//!
//! Text here comes from `domain` types, which hold no character that XML 1.0 forbids.

use std::io::{self, Write};

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

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Hands all bytes on and goes on without them, in the same memory.
    pub(crate) fn flush(&mut self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(&self.bytes)?;
        self.bytes.clear();
        Ok(())
    }

    /// Markup, as it is.
    pub(crate) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.bytes.extend_from_slice(markup.as_bytes());
        self
    }

    /// Bytes of another document.
    pub(crate) fn rendered(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// Text between tags. `>` is escaped too: `]]>` may not stand in text.
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.escaped(text.as_bytes(), memchr3_iter(b'&', b'<', b'>', text.as_bytes()))
    }

    /// An attribute's value, between double quotes. It has no line breaks and tabs: parsers would make them spaces.
    pub(crate) fn value(&mut self, value: &str) -> &mut Self {
        self.escaped(value.as_bytes(), memchr3_iter(b'&', b'<', b'"', value.as_bytes()))
    }

    /// An element that holds text. `open` is its start tag, `close` its end tag.
    pub(crate) fn element(&mut self, open: &'static str, text: &str, close: &'static str) -> &mut Self {
        self.raw(open).text(text).raw(close)
    }

    /// An attribute, if it has a value. `open` is a space, its name, an equals sign and a quote.
    pub(crate) fn attribute(&mut self, open: &'static str, value: Option<&str>) -> &mut Self {
        match value {
            Some(value) => self.raw(open).value(value).raw("\""),
            None => self,
        }
    }

    /// An attribute that is a number, if there is one.
    pub(crate) fn numeric_attribute(&mut self, open: &'static str, value: Option<u64>) -> &mut Self {
        match value {
            Some(value) => self.raw(open).number(value).raw("\""),
            None => self,
        }
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
        assert_eq!(written(empty().value(value)), r#"&quot; onload=&quot;x&quot; a='&amp;&lt;>"#);
    }

    #[test]
    fn an_attribute_without_a_value_is_left_out() {
        let mut document = empty();
        document.attribute(" a=\"", Some("1")).attribute(" b=\"", None).numeric_attribute(" c=\"", Some(2));
        assert_eq!(written(&document), r#" a="1" c="2""#);
    }

    #[test]
    fn numbers_are_decimal() {
        assert_eq!(written(empty().number(0).raw(" ").number(u64::MAX)), "0 18446744073709551615");
    }
}
