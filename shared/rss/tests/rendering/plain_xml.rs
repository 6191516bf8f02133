//! A feed as `quick-xml` reads it: elements by the names that stand in the document, and nothing known of feeds.

use std::collections::BTreeMap;

use quick_xml::{Reader, XmlVersion, events::Event};

/// An element without what is between its children.
#[derive(Debug, Default)]
pub struct Element {
    pub attributes: BTreeMap<String, String>,
    pub children: Vec<(String, Element)>,
    pub text: String,
}

impl Element {
    pub fn all(&self, name: &str) -> impl Iterator<Item = &Element> {
        self.children.iter().filter(move |(known, _)| known == name).map(|(_, child)| child)
    }

    /// Whether an element or attribute has this text, here or below.
    pub fn says(&self, text: &str) -> bool {
        self.text == text
            || self.attributes.values().any(|value| value == text)
            || self.children.iter().any(|(_, child)| child.says(text))
    }

    /// The text of the only child of that name.
    pub fn text_of(&self, name: &str) -> Option<&str> {
        let mut found = self.all(name);
        let text = found.next().map(|child| child.text.as_str());
        assert!(found.next().is_none(), "two of {name}");
        text
    }
}

/// The document's one element.
pub fn read(xml: &str) -> Element {
    let mut reader = Reader::from_str(xml);
    let mut open = vec![(String::new(), Element::default())];
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => open.push(element(&start)),
            Event::Empty(start) => open.last_mut().unwrap().1.children.push(element(&start)),
            Event::End(_) => {
                let closed = open.pop().unwrap();
                open.last_mut().unwrap().1.children.push(closed);
            }
            Event::Text(text) => open.last_mut().unwrap().1.text += &text.xml10_content(),
            Event::GeneralRef(reference) => {
                let character = match &*reference.xml10_content() {
                    "amp" => '&',
                    "lt" => '<',
                    "gt" => '>',
                    "quot" => '"',
                    other => panic!("&{other}; is not in a feed"),
                };
                open.last_mut().unwrap().1.text.push(character);
            }
            Event::Decl(_) => {}
            Event::Eof => break,
            other => panic!("{other:?} is not in a feed"),
        }
    }
    let (_, mut root) = open.pop().unwrap();
    assert!(open.is_empty() && root.children.len() == 1);
    root.children.remove(0).1
}

fn element(start: &quick_xml::events::BytesStart<'_>) -> (String, Element) {
    let attributes = start.attributes().map(|attribute| {
        let attribute = attribute.unwrap();
        let value = attribute.normalized_value(XmlVersion::Explicit1_0).unwrap();
        (attribute.key.as_ref().to_owned(), value.into_owned())
    });
    (start.name().as_ref().to_owned(), Element { attributes: attributes.collect(), ..Element::default() })
}
