//! A document that grows at its end. Whole runs of bytes are copied; only what must be escaped is looked at twice.
//!
//! Text here comes from `domain` types, which hold no character that XML 1.0 forbids.

use wide::u8x16;

/// So many bytes are looked at together.
const BLOCK: usize = 16;

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
        self.escaped(text.as_bytes(), [b'&', b'<', b'>'])
    }

    /// An attribute's value, between double quotes. It has no line breaks and tabs: parsers would make them spaces.
    pub(crate) fn value(&mut self, value: &str) -> &mut Self {
        self.escaped(value.as_bytes(), [b'&', b'<', b'"'])
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

    fn escaped(&mut self, text: &[u8], special: [u8; 3]) -> &mut Self {
        let mut copied = 0;
        for at in Places::of(special, text) {
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

/// Where in a text one of three bytes is, block by block: what must be escaped often comes soon again.
struct Places<'t> {
    wanted: [u8x16; 3],
    text: &'t [u8],
    /// Where the next block begins.
    next: usize,
    /// A bit for each place in the block before that was not told yet, the lowest for the first.
    found: u32,
}

impl<'t> Places<'t> {
    /// None of the bytes is 0.
    fn of(bytes: [u8; 3], text: &'t [u8]) -> Self {
        Self { wanted: bytes.map(u8x16::splat), text, next: 0, found: 0 }
    }

    /// The next bytes, the last ones with zeros behind them.
    #[inline]
    fn block(&self) -> Option<[u8; BLOCK]> {
        let rest = self.text.get(self.next..).filter(|rest| !rest.is_empty())?;
        Some(rest.first_chunk().copied().unwrap_or_else(|| {
            let mut last = [0; BLOCK];
            last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
            last
        }))
    }
}

impl Iterator for Places<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.found == 0 {
            let block = u8x16::new(self.block()?);
            let [first, second, third] = self.wanted;
            self.found = (block.simd_eq(first) | block.simd_eq(second) | block.simd_eq(third)).to_bitmask();
            self.next += BLOCK;
        }
        let place = self.next - BLOCK + self.found.trailing_zeros() as usize;
        self.found &= self.found - 1;
        Some(place)
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
    fn what_must_be_escaped_is_found_wherever_it_stands() {
        for length in 1..3 * BLOCK {
            for at in 0..length {
                let text: String = (0..length).map(|place| if place == at { '<' } else { 'é' }).collect();
                assert_eq!(written(empty().text(&text)), text.replace('<', "&lt;"));
            }
            assert_eq!(written(empty().value(&"\"".repeat(length))), "&quot;".repeat(length));
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
