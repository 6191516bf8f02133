//! A page that grows at its end. Whatever is not our own markup is escaped here and nowhere else.

pub(crate) struct Html {
    text: String,
}

impl Html {
    pub(crate) fn new() -> Self {
        Self { text: String::new() }
    }

    pub(crate) fn into_text(self) -> String {
        self.text
    }

    /// Markup of our own, as it is.
    pub(crate) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.text.push_str(markup);
        self
    }

    /// Text between tags.
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        for character in text.chars() {
            match character {
                '&' => self.text.push_str("&amp;"),
                '<' => self.text.push_str("&lt;"),
                '>' => self.text.push_str("&gt;"),
                '"' => self.text.push_str("&quot;"),
                '\'' => self.text.push_str("&#39;"),
                other => self.text.push(other),
            }
        }
        self
    }
}
