//! Parses the syntax of AWS configuration and credentials files, as botocore does.
//!
//! A file has sections (`[profile x]`) with properties (`name = value`). A property with an empty value may have nested
//! properties, which are indented deeper than its name. Lines that begin with `#` or `;` are comments, as is the rest
//! of a value after a space and one of these. A byte order mark, indented sections, text behind `]`, `:` instead of `=`
//! and quoted names are accepted. Anything else, also a section or property defined twice, is an error that names the
//! line; nothing is skipped.

/// A section with its properties in the order of the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) line: usize,
    /// The words between the brackets, without their quotes.
    pub(super) words: Vec<String>,
    pub(super) properties: Vec<Property>,
}

/// A property, or one that is nested in another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Property {
    pub(super) line: usize,
    /// In lower case.
    pub(super) name: String,
    pub(super) value: String,
    pub(super) nested: Vec<Self>,
    /// The indented line that continues the value, if there is one.
    pub(super) continued_at: Option<usize>,
}

/// A line that does not conform to the format.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SyntaxError {
    pub(super) line: usize,
    pub(super) reason: &'static str,
}

/// Parses a file.
pub(super) fn parse(bytes: &[u8]) -> Result<Vec<Section>, SyntaxError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let valid = &bytes[..error.valid_up_to()];
        let line = 1 + valid.iter().filter(|byte| **byte == b'\n').count();
        let reason = "the text is not UTF-8";
        SyntaxError { line, reason }
    })?;
    let mut sections: Vec<Section> = Vec::new();
    // The indentation of the last property, if there is one in this section.
    let mut indent = None;
    for (index, line) in text.split('\n').enumerate() {
        let number = index + 1;
        let fail = |reason| SyntaxError {
            line: number,
            reason,
        };
        let content = line.trim();
        if content.is_empty() || content.starts_with(['#', ';']) {
            continue;
        }
        let depth = line.len() - line.trim_start().len();
        let open = sections
            .last_mut()
            .and_then(|section| section.properties.last_mut());
        if let (Some(property), Some(indent)) = (open, indent)
            && depth > indent
        {
            continue_property(property, number, content).map_err(fail)?;
        } else if let Some(header) = content.strip_prefix('[') {
            let words = section_words(header).map_err(fail)?;
            indent = None;
            if sections.iter().any(|section| section.words == words) {
                return Err(fail("a section of this name is defined twice"));
            }
            sections.push(Section {
                line: number,
                words,
                properties: Vec::new(),
            });
        } else {
            let section = sections
                .last_mut()
                .ok_or_else(|| fail("a property precedes the first section"))?;
            let property = property(number, content, &['=', ':']).map_err(fail)?;
            if section
                .properties
                .iter()
                .any(|own| own.name == property.name)
            {
                return Err(fail(
                    "a property of this name is defined twice in its section",
                ));
            }
            section.properties.push(property);
            indent = Some(depth);
        }
    }
    Ok(sections)
}

fn continue_property(
    open: &mut Property,
    number: usize,
    content: &str,
) -> Result<(), &'static str> {
    if content.starts_with('[') {
        return Err("the section is indented deeper than the property before it");
    }
    if open.value.is_empty() {
        open.nested.push(property(number, content, &['='])?);
    } else {
        open.continued_at.get_or_insert(number);
    }
    Ok(())
}

fn property(line: usize, content: &str, delimiters: &[char]) -> Result<Property, &'static str> {
    let (name, value) = content
        .split_once(delimiters)
        .ok_or("neither a section nor `name = value`")?;
    let name = name.trim().to_lowercase();
    if name.is_empty() {
        return Err("a property has no name");
    }
    Ok(Property {
        line,
        name,
        value: without_comment(value).to_owned(),
        ..Property::default()
    })
}

/// Removes a comment, which begins with a space and `#` or `;`.
fn without_comment(value: &str) -> &str {
    let is_comment = |(at, c): &(usize, char)| {
        matches!(c, '#' | ';') && value[..*at].ends_with(char::is_whitespace)
    };
    let end = value.char_indices().find(is_comment);
    value[..end.map_or(value.len(), |(at, _)| at)].trim()
}

/// Splits the text after `[` into words, as a shell does.
fn section_words(header: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = header.chars();
    while let Some(c) = characters.next() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (Some('"') | None, '\\') => {
                let escaped = characters.next().ok_or("a section is not closed by `]`")?;
                word.get_or_insert_default().push(escaped);
            }
            (None, ']') => {
                words.extend(word);
                return match words.is_empty() {
                    true => Err("a section has no name"),
                    false => Ok(words),
                };
            }
            (None, _) if c.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    Err("a section is not closed by `]`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(text: &str) -> Vec<(String, Vec<(String, String)>)> {
        let sections = parse(text.as_bytes()).unwrap();
        let pairs = |section: Section| {
            let properties = section.properties.into_iter().flat_map(|property| {
                let own = (property.name.clone(), property.value);
                let nested = property.nested.into_iter();
                let nested = nested
                    .map(move |inner| (format!("{}.{}", property.name, inner.name), inner.value));
                std::iter::once(own).chain(nested)
            });
            (section.words.join("|"), properties.collect())
        };
        sections.into_iter().map(pairs).collect()
    }

    fn one(text: &str) -> Vec<(String, String)> {
        flat(text).remove(0).1
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn syntax_that_botocore_accepts_is_accepted() {
        for (text, words) in [
            ("\u{feff}[default]\na = b", "default"),
            ("[default] # remark\na = b", "default"),
            ("[default]; remark [x]\r\na = b\r\n", "default"),
            ("  [default]\n  a = b", "default"),
            ("[profile x]\n a = b", "profile|x"),
            ("[profile \"my prof\"]\na : b", "profile|my prof"),
            ("[profile 'my prof']\nA= b # remark", "profile|my prof"),
            ("[ profile  x ]\na=b ; remark\n\n# c\n  # d\n", "profile|x"),
            ("[profile a]b\"]\na=b", "profile|a"),
            ("[profile \"a]b\"]\na=b", "profile|a]b"),
        ] {
            let sections = flat(text);
            assert_eq!(sections.len(), 1, "{text}");
            assert_eq!(sections[0].0, words, "{text}");
            assert_eq!(sections[0].1, [pair("a", "b")], "{text}");
        }
    }

    #[test]
    fn nested_properties_are_indented_deeper_than_their_own() {
        assert_eq!(
            one("[default]\ns3 =\n  addressing_style = virtual\n\n\tmax = 3\nregion = r"),
            [
                pair("s3", ""),
                pair("s3.addressing_style", "virtual"),
                pair("s3.max", "3"),
                pair("region", "r")
            ]
        );
        let other = flat("[profile other]\n username = x\n region = y\n[default]\nregion = z");
        assert_eq!(other[0].1, [pair("username", "x"), pair("region", "y")]);
        assert_eq!(other[1].1, [pair("region", "z")]);
    }

    #[test]
    fn a_hash_or_semicolon_without_a_space_is_part_of_the_value() {
        for (line, value) in [
            ("a = b#c", "b#c"),
            ("a = b;c", "b;c"),
            ("a = http://h:1/?x=y", "http://h:1/?x=y"),
            ("a =", ""),
            ("a = # none", ""),
            ("a = =", "="),
        ] {
            let text = format!("[default]\n{line}");
            assert_eq!(one(&text), [pair("a", value)], "{line}");
        }
    }

    #[test]
    fn a_continuation_line_is_recorded() {
        let sections = parse(b"[default]\nregion = r\n endpoint_url = http://h").unwrap();
        assert_eq!(sections[0].properties.len(), 1);
        assert_eq!(sections[0].properties[0].continued_at, Some(3));
    }

    #[test]
    fn every_other_line_is_an_error_with_its_number() {
        for (text, line) in [
            (&b"a = b\n[default]"[..], 1),
            (b"[default\na = b", 1),
            (b"[]", 1),
            (b"[ ]", 1),
            (b"[profile \"x]", 1),
            (b"[default]\nregion", 2),
            (b"[default]\n= b", 2),
            (b"[default]\ns3 =\n  addressing_style virtual", 3),
            (b"[default]\na = b\n\n  [profile x]", 4),
            (b"[default]\na = b\nc = \xff", 3),
            (b"\xff\xfe[\0d\0", 1),
            (b"[default]\na = b\n[profile x]\n[ default ]", 4),
            (b"[default]\na = b\n[profile x]\na = b\nA = c", 5),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.line, line, "{text:?}: {}", error.reason);
        }
    }
}
