//! XML out, element by element, and in, as a tree of bounded depth and size.
//!
//! Never expands an entity that a document defines, and never writes a character that XML 1.0 does not have.

use std::io::{self, Write};

use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use quick_xml::{Reader, Writer, XmlVersion};

use super::OdmFault;

/// Elements stand at most so deep in each other; ODM needs eleven.
const MOST_DEPTH: usize = 64;

/// XML that is being written.
pub(super) struct Xml<W: Write> {
    writer: Writer<W>,
    open: Vec<&'static str>,
    /// Characters that XML does not have, and that U+FFFD stands for.
    pub replaced: u64,
}

pub(super) type Attributes<'a> = &'a [(&'static str, &'a str)];

impl<W: Write> Xml<W> {
    pub fn new(out: W) -> io::Result<Self> {
        let mut writer = Writer::new_with_indent(out, b' ', 1);
        writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        Ok(Self { writer, open: Vec::new(), replaced: 0 })
    }

    fn tag(&mut self, name: &'static str, attributes: Attributes<'_>) -> BytesStart<'static> {
        let mut content = name.to_owned();
        for (key, value) in attributes {
            content.push(' ');
            content.push_str(key);
            content.push_str("=\"");
            self.escape(value, &mut content);
            content.push('"');
        }
        BytesStart::from_content(content, name.len())
    }

    /// Appends `text` as it may stand in an attribute or between tags.
    fn escape(&mut self, text: &str, to: &mut String) {
        for letter in text.chars() {
            match letter {
                '&' => to.push_str("&amp;"),
                '<' => to.push_str("&lt;"),
                '>' => to.push_str("&gt;"),
                '"' => to.push_str("&quot;"),
                // A reader makes a space of each in an attribute.
                '\n' => to.push_str("&#10;"),
                '\r' => to.push_str("&#13;"),
                '\t' => to.push_str("&#9;"),
                '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}' => {
                    to.push(letter);
                }
                _ => {
                    to.push('\u{fffd}');
                    self.replaced += 1;
                }
            }
        }
    }

    pub fn start(&mut self, name: &'static str, attributes: Attributes<'_>) -> io::Result<()> {
        let tag = self.tag(name, attributes);
        self.open.push(name);
        self.writer.write_event(Event::Start(tag))
    }

    pub fn end(&mut self) -> io::Result<()> {
        match self.open.pop() {
            Some(name) => self.writer.write_event(Event::End(BytesEnd::new(name))),
            None => Ok(()),
        }
    }

    pub fn empty(&mut self, name: &'static str, attributes: Attributes<'_>) -> io::Result<()> {
        let tag = self.tag(name, attributes);
        self.writer.write_event(Event::Empty(tag))
    }

    /// An element that holds text.
    pub fn text(&mut self, name: &'static str, attributes: Attributes<'_>, text: &str) -> io::Result<()> {
        let tag = self.tag(name, attributes);
        let mut escaped = String::new();
        self.escape(text, &mut escaped);
        self.writer.write_event(Event::Start(tag))?;
        self.writer.write_event(Event::Text(BytesText::from_escaped(escaped)))?;
        self.writer.write_event(Event::End(BytesEnd::new(name)))
    }

    pub fn finish(mut self) -> io::Result<u64> {
        while !self.open.is_empty() {
            self.end()?;
        }
        let replaced = self.replaced;
        let mut out = self.writer.into_inner();
        out.write_all(b"\n")?;
        out.flush()?;
        Ok(replaced)
    }
}

/// An element that was read. Names are without their prefix: ODM's are of one namespace, and extensions are passed over by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Node {
    pub name: String,
    pub attributes: Vec<(String, String)>,
    pub children: Vec<Node>,
    pub text: String,
    /// The line it begins at, from 1.
    pub line: usize,
}

impl Node {
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Node> {
        self.children.iter().filter(move |child| child.name == name)
    }

    pub fn first(&self, name: &str) -> Option<&Node> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of the first `TranslatedText`, or else its own.
    pub fn words(&self) -> String {
        let translated =
            self.all("TranslatedText").map(|child| child.text.trim()).find(|text| !text.is_empty());
        translated.unwrap_or(self.text.trim()).to_owned()
    }

    /// Its attribute, or the fault that it is missing.
    pub fn needed(&self, name: &str) -> Result<&str, OdmFault> {
        self.attribute(name).filter(|value| !value.is_empty()).ok_or_else(|| {
            OdmFault::at(
                self.line,
                format!("{} without {name}", self.name),
                format!("{} needs {name}", self.name),
            )
        })
    }
}

/// Reads a whole document. Errors: the first place that is no well-formed XML of this kind.
pub(super) fn parse(text: &str) -> Result<Node, OdmFault> {
    let mut reader = Reader::from_str(text);
    let mut stack: Vec<Node> = Vec::new();
    let mut lines = Lines { text, at: 0, line: 1 };
    loop {
        let begins = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        let line = lines.of(begins);
        let wrong = |found: String, right: &str| OdmFault::at(line, found, right);
        let event = reader.read_event().map_err(|error| wrong(error.to_string(), "well-formed XML"))?;
        match event {
            Event::Start(tag) => {
                if stack.len() >= MOST_DEPTH {
                    return Err(wrong(format!("elements {MOST_DEPTH} deep"), "ODM is not so deep"));
                }
                stack.push(node(&tag, line)?);
            }
            Event::Empty(tag) => {
                let node = node(&tag, line)?;
                match stack.last_mut() {
                    Some(parent) => parent.children.push(node),
                    None => return Ok(node),
                }
            }
            Event::End(_) => {
                let Some(done) = stack.pop() else {
                    return Err(wrong("an end without a beginning".to_owned(), "well-formed XML"));
                };
                match stack.last_mut() {
                    Some(parent) => parent.children.push(done),
                    // What follows the root is at most a comment.
                    None => return Ok(done),
                }
            }
            Event::Text(text) => {
                if let Some(parent) = stack.last_mut() {
                    parent.text.push_str(&text.xml10_content());
                }
            }
            Event::CData(text) => {
                if let Some(parent) = stack.last_mut() {
                    parent.text.push_str(&text.xml10_content());
                }
            }
            Event::GeneralRef(reference) => {
                let letter = match reference
                    .resolve_char_ref()
                    .map_err(|error| wrong(error.to_string(), "a character"))?
                {
                    Some(letter) => letter.to_string(),
                    None => predefined(&reference.xml10_content())
                        .ok_or_else(|| {
                            wrong(
                                format!("the entity &{};", reference.xml10_content()),
                                "one of XML's five: amp, lt, gt, quot, apos",
                            )
                        })?
                        .to_owned(),
                };
                if let Some(parent) = stack.last_mut() {
                    parent.text.push_str(&letter);
                }
            }
            Event::DocType(_) => {
                return Err(wrong("a document type".to_owned(), "ODM has none: take it out"));
            }
            Event::Eof => return Err(wrong("the end of the file".to_owned(), "the end of the element ODM")),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
}

fn predefined(name: &str) -> Option<&'static str> {
    Some(match name {
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" => "'",
        _ => return None,
    })
}

fn node(tag: &BytesStart<'_>, line: usize) -> Result<Node, OdmFault> {
    let mut node = Node { name: tag.local_name().as_ref().to_owned(), line, ..Node::default() };
    for attribute in tag.attributes() {
        let attribute =
            attribute.map_err(|error| OdmFault::at(line, error.to_string(), "well-formed attributes"))?;
        let value = attribute
            .normalized_value(XmlVersion::Explicit1_0)
            .map_err(|error| OdmFault::at(line, error.to_string(), "XML's own entities and characters"))?;
        node.attributes.push((attribute.key.as_ref().to_owned(), value.into_owned()));
    }
    Ok(node)
}

/// Counts lines as the reader goes on.
struct Lines<'t> {
    text: &'t str,
    at: usize,
    line: usize,
}

impl Lines<'_> {
    fn of(&mut self, at: usize) -> usize {
        let to = at.clamp(self.at, self.text.len());
        self.line += self.text.get(self.at..to).unwrap_or_default().matches('\n').count();
        self.at = to;
        self.line
    }
}
