/// Whose words an element's name is one of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Vocabulary {
    /// RSS 2.0, which has no namespace.
    Rss,
    Itunes,
    Podcast,
    /// RSS 1.0's content module.
    Content,
    Atom,
    /// Nobody's that is read here.
    Other,
}

impl Vocabulary {
    /// By its namespace. Feeds spell them in many ways.
    pub(super) fn of(namespace: &str) -> Self {
        let namespace = namespace.trim().to_ascii_lowercase();
        let namespace = namespace.trim_start_matches("https://").trim_start_matches("http://");
        match namespace.trim_start_matches("www.").trim_end_matches('/') {
            "itunes.com/dtds/podcast-1.0.dtd" => Self::Itunes,
            "podcastindex.org/namespace/1.0"
            | "github.com/podcastindex-org/podcast-namespace/blob/main/docs/1.0.md" => Self::Podcast,
            "purl.org/rss/1.0/modules/content" => Self::Content,
            "w3.org/2005/atom" => Self::Atom,
            _ => Self::Other,
        }
    }

    /// By the prefix that it usually has, where none is declared.
    pub(super) fn usual(prefix: &str) -> Self {
        match prefix.to_ascii_lowercase().as_str() {
            "itunes" => Self::Itunes,
            "podcast" => Self::Podcast,
            "content" => Self::Content,
            "atom" => Self::Atom,
            _ => Self::Other,
        }
    }
}

/// An element and all that is in it. Names are compared in any case.
#[derive(Debug)]
pub(super) struct Element {
    pub(super) vocabulary: Vocabulary,
    /// Without its prefix.
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) children: Vec<Element>,
    /// What is in it outside of its children.
    pub(super) text: String,
}

impl Element {
    pub(super) fn is(&self, vocabulary: Vocabulary, name: &str) -> bool {
        self.vocabulary == vocabulary && self.name.eq_ignore_ascii_case(name)
    }

    /// Its children of that name.
    pub(super) fn all(&self, vocabulary: Vocabulary, name: &str) -> impl Iterator<Item = &Element> {
        self.children.iter().filter(move |child| child.is(vocabulary, name))
    }

    /// Its text, unless there is none.
    pub(super) fn text(&self) -> Option<&str> {
        Some(self.text.trim()).filter(|text| !text.is_empty())
    }

    /// The value of that attribute, unless it is empty.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let value = self.attributes.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        value.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    /// The text of its first child of that name that has one.
    pub(super) fn text_of(&self, vocabulary: Vocabulary, name: &str) -> Option<&str> {
        self.all(vocabulary, name).find_map(Element::text)
    }

    /// The same, to keep.
    pub(super) fn string_of(&self, vocabulary: Vocabulary, name: &str) -> Option<String> {
        self.text_of(vocabulary, name).map(str::to_owned)
    }

    /// The value of that attribute, to keep.
    pub(super) fn string(&self, attribute: &str) -> Option<String> {
        self.attribute(attribute).map(str::to_owned)
    }
}
