//! From text to elements: as XML where it is XML, and with some patience where it is not.

use quick_xml::{
    Error, NsReader,
    errors::SyntaxError,
    events::{BytesStart, BytesText, Event},
    name::ResolveResult,
};

use super::{
    DEEPEST, MOST_ELEMENTS, NotAFeed, Place, Problem,
    element::{Element, Vocabulary},
    finding::{Findings, quote},
    references,
};

/// Reads a document, hands on each item when it ends, and answers what is left of the channel.
pub(super) fn walk(
    text: &str,
    findings: &mut Findings,
    on_item: impl FnMut(Element, &mut Findings) -> Result<(), NotAFeed>,
) -> Result<Element, NotAFeed> {
    match text.bytes().next() {
        None => return Err(NotAFeed::Empty),
        Some(b'<') => {}
        Some(b'{' | b'[') => return Err(something_else("JSON")),
        Some(_) => return Err(something_else("neither XML nor anything else that is known")),
    }
    let mut walk = Walk { text, open: Vec::new(), channel: None, items: 0, elements: 0, findings, on_item };
    walk.document()?;
    walk.channel.ok_or(NotAFeed::NoChannel)
}

struct Walk<'a, OnItem> {
    text: &'a str,
    /// What has begun and not ended, and where its content begins. The outermost is first.
    open: Vec<(Element, usize)>,
    channel: Option<Element>,
    items: usize,
    /// How many there were in this item, or in the channel so far.
    elements: usize,
    findings: &'a mut Findings,
    on_item: OnItem,
}

/// The elements that hold text with markup.
const MARKUP: [(Vocabulary, &str, &str); 3] = [
    (Vocabulary::Rss, "description", "description"),
    (Vocabulary::Content, "encoded", "content:encoded"),
    (Vocabulary::Itunes, "summary", "itunes:summary"),
];

/// No element has more that are read.
const MOST_ATTRIBUTES: usize = 100;

impl<OnItem: FnMut(Element, &mut Findings) -> Result<(), NotAFeed>> Walk<'_, OnItem> {
    fn document(&mut self) -> Result<(), NotAFeed> {
        let mut reader = NsReader::from_str(self.text);
        let config = reader.config_mut();
        config.allow_dangling_amp = true;
        config.expand_empty_elements = true;
        let mut in_channel = 0;

        loop {
            let before = position(reader.buffer_position());
            let event = reader.read_event().map_err(|error| self.wrong(error, reader.error_position()))?;
            match event {
                Event::Start(start) => {
                    let element = self.element(&start, &reader.resolver().resolve_element(start.name()).0);
                    if self.open.is_empty() {
                        is_rss(&element)?;
                    } else if self.is_item(&element) {
                        self.findings.enter(Place::Item(self.items));
                        in_channel = std::mem::take(&mut self.elements);
                    }
                    self.elements += 1;
                    if self.elements > MOST_ELEMENTS {
                        return Err(NotAFeed::TooManyElements);
                    }
                    if self.open.len() >= DEEPEST {
                        return Err(NotAFeed::TooDeep);
                    }
                    self.open.push((element, position(reader.buffer_position())));
                }
                Event::End(_) => {
                    let Some((element, content)) = self.open.pop() else { continue };
                    let element = self.whole(element, content, before);
                    if self.open.is_empty() {
                        self.ended(position(reader.buffer_position()));
                        return Ok(());
                    }
                    if self.is_item(&element) {
                        (self.on_item)(element, self.findings)?;
                        self.items += 1;
                        self.elements = in_channel;
                        self.findings.enter(Place::Channel);
                    } else {
                        self.keep(element);
                    }
                }
                Event::Text(text) => self.text(&text)?,
                Event::CData(text) => {
                    if let Some((element, _)) = self.open.last_mut() {
                        element.text.push_str(&text.xml10_content());
                    }
                }
                Event::GeneralRef(reference) => match self.open.last_mut() {
                    Some((element, _)) if element.vocabulary != Vocabulary::Other => {
                        references::push(&reference.xml10_content(), &mut element.text, self.findings);
                    }
                    _ => {}
                },
                Event::DocType(doctype) => is_harmless(&doctype)?,
                Event::Eof if self.open.is_empty() => return Err(NotAFeed::Empty),
                Event::Eof => return Err(NotAFeed::CutOff),
                Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            }
        }
    }

    /// An item of the channel; some feeds have them beside it.
    fn is_item(&self, element: &Element) -> bool {
        element.is(Vocabulary::Rss, "item")
            && match self.open.as_slice() {
                [_] => true,
                [_, (parent, _)] => parent.is(Vocabulary::Rss, "channel"),
                _ => false,
            }
    }

    fn element(&mut self, start: &BytesStart<'_>, namespace: &ResolveResult<'_>) -> Element {
        let name = start.name();
        let vocabulary = match namespace {
            ResolveResult::Unbound => Vocabulary::Rss,
            ResolveResult::Bound(namespace) => match Vocabulary::of(namespace.as_ref()) {
                // Some feeds say that what has no prefix is in a namespace of somebody's own.
                Vocabulary::Other if name.prefix().is_none() => Vocabulary::Rss,
                known => known,
            },
            ResolveResult::Unknown(prefix) => {
                let vocabulary = Vocabulary::usual(prefix);
                if vocabulary != Vocabulary::Other {
                    self.findings.note(Problem::UndeclaredPrefix(quote(prefix)));
                }
                vocabulary
            }
        };
        let mut element = Element {
            vocabulary,
            name: name.local_name().as_ref().to_owned(),
            attributes: Vec::new(),
            children: Vec::new(),
            text: String::new(),
        };
        if vocabulary != Vocabulary::Other {
            self.attributes(start, &mut element);
        }
        element
    }

    fn attributes(&mut self, start: &BytesStart<'_>, element: &mut Element) {
        for attribute in start.html_attributes().with_checks(false) {
            let Some(attribute) = attribute.ok().filter(|_| element.attributes.len() < MOST_ATTRIBUTES)
            else {
                self.findings.note(Problem::UnreadableAttributes(quote(start.name().as_ref())));
                return;
            };
            if attribute.key.as_namespace_binding().is_none() {
                let mut value = String::with_capacity(attribute.value.len());
                references::replace(&attribute.value, &mut value, self.findings);
                element.attributes.push((attribute.key.as_ref().to_owned(), value));
            }
        }
    }

    fn text(&mut self, text: &BytesText<'_>) -> Result<(), NotAFeed> {
        let text = text.xml10_content();
        match self.open.last_mut() {
            None if text.trim().is_empty() => {}
            None => return Err(something_else("text with tags in it")),
            // What is not read needs no place.
            Some((element, _)) if element.vocabulary == Vocabulary::Other => {}
            Some((element, _)) => {
                if text.starts_with('&') {
                    self.findings.note(Problem::BareAmpersand);
                }
                element.text.push_str(&text);
            }
        }
        Ok(())
    }

    /// The element now that it has ended. Tags that should have been escaped are its text, as they stand in the document.
    fn whole(&mut self, mut element: Element, content: usize, end: usize) -> Element {
        let markup = MARKUP.iter().find(|(vocabulary, name, _)| element.is(*vocabulary, name));
        if let Some((_, _, name)) = markup.filter(|_| !element.children.is_empty()) {
            self.findings.note(Problem::MarkupInText(name));
            element.text = self.text.get(content..end).unwrap_or_default().to_owned();
            element.children = Vec::new();
        }
        element
    }

    fn keep(&mut self, element: Element) {
        match self.open.as_mut_slice() {
            [_] if element.is(Vocabulary::Rss, "channel") => {
                self.channel.get_or_insert(element);
            }
            // Beside the channel there is nothing to know.
            [_] => {}
            [.., (parent, _)] => parent.children.push(element),
            [] => {}
        }
    }

    fn ended(&mut self, at: usize) {
        let rest = self.text.get(at..).unwrap_or_default().trim();
        let is_comment = rest.starts_with("<!--") && rest.ends_with("-->");
        if !rest.is_empty() && !is_comment {
            self.findings.note_at(Place::Document, Problem::TrailingContent);
        }
    }

    fn wrong(&self, error: Error, at: u64) -> NotAFeed {
        // `<!` and what follows is not known: it may be the beginning of `<![CDATA[`.
        let last_tag = self.text.rfind('<').and_then(|at| self.text.get(at..)).unwrap_or_default();
        match error {
            Error::Syntax(SyntaxError::InvalidBangMarkup) if !"<![CDATA[".starts_with(last_tag) => {}
            Error::Syntax(_) => return NotAFeed::CutOff,
            _ => {}
        }
        let before = self.text.as_bytes().get(..position(at)).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        NotAFeed::IllFormed { line, reason: quote(&error.to_string()) }
    }
}

fn position(at: u64) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}

fn something_else(what: &str) -> NotAFeed {
    NotAFeed::SomethingElse(what.to_owned())
}

fn is_rss(root: &Element) -> Result<(), NotAFeed> {
    let name = root.name.to_ascii_lowercase();
    match name.as_str() {
        "rss" => Ok(()),
        "html" => Err(something_else("a web page")),
        "feed" => Err(something_else("an Atom feed")),
        "rdf" => Err(something_else("a feed of RSS 1.0")),
        "opml" => Err(something_else("a list of feeds in OPML")),
        _ => Err(NotAFeed::SomethingElse(format!("XML whose first element is {:?}", quote(&root.name)))),
    }
}

/// A `DOCTYPE` may name a document type, which is never fetched; it may not declare anything.
fn is_harmless(doctype: &BytesText<'_>) -> Result<(), NotAFeed> {
    let doctype = doctype.xml10_content();
    if doctype.contains('[') {
        return Err(NotAFeed::DeclaresEntities);
    }
    let name = doctype.split_ascii_whitespace().next().unwrap_or_default();
    if name.eq_ignore_ascii_case("html") { Err(something_else("a web page")) } else { Ok(()) }
}
