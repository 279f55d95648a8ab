//! The name of a certificate's subject as text, as Java writes it and as mapping rules and access rules know it (RFC 2253).

/// Attributes with a keyword, by their DER object identifiers; others are written as numbers, their values in hex.
const KEYWORDS: [(&[u8], &str); 9] = [
    (&[0x55, 4, 3], "CN"),
    (&[0x55, 4, 6], "C"),
    (&[0x55, 4, 7], "L"),
    (&[0x55, 4, 8], "ST"),
    (&[0x55, 4, 9], "STREET"),
    (&[0x55, 4, 10], "O"),
    (&[0x55, 4, 11], "OU"),
    (&[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25], "DC"),
    (&[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 1], "UID"),
];

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT_IDENTIFIER: u8 = 0x06;
/// `UTF8String`, `NumericString`, `PrintableString`, `IA5String`: all that are UTF-8 as they lie.
const TEXTS: [u8; 4] = [0x0c, 0x12, 0x13, 0x16];

/// The text of a name, whose DER is given without the outer tag and length. `None` when it is no name.
pub(super) fn to_text(mut der: &[u8]) -> Option<String> {
    let mut parts = Vec::new();
    while !der.is_empty() {
        let mut set = take(&mut der, SET)?;
        let mut attributes = Vec::new();
        while !set.is_empty() {
            attributes.push(attribute(take(&mut set, SEQUENCE)?)?);
        }
        parts.push(attributes.join("+"));
    }
    parts.reverse();
    Some(parts.join(","))
}

fn attribute(mut der: &[u8]) -> Option<String> {
    let identifier = take(&mut der, OBJECT_IDENTIFIER)?;
    let whole = der;
    let (tag, value) = take_any(&mut der)?;
    let keyword = KEYWORDS.iter().find(|(known, _)| *known == identifier);
    let text = std::str::from_utf8(value).ok().filter(|_| TEXTS.contains(&tag));
    Some(match (keyword, text) {
        (Some((_, keyword)), Some(text)) => format!("{keyword}={}", escaped(text)),
        (Some((_, keyword)), None) => format!("{keyword}=#{}", hex::encode(whole)),
        (None, _) => format!("{}=#{}", dotted(identifier)?, hex::encode(whole)),
    })
}

fn take<'a>(der: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    take_any(der).filter(|(found, _)| *found == tag).map(|(_, content)| content)
}

/// Takes one element from the front. Lengths of more than two bytes are no name's.
fn take_any<'a>(der: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match *first {
        short @ 0..=0x7f => (usize::from(short), rest),
        0x81 => rest.split_first().map(|(length, rest)| (usize::from(*length), rest))?,
        0x82 => {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    *der = rest;
    Some((*tag, content))
}

fn escaped(text: &str) -> String {
    let last = text.chars().count().saturating_sub(1);
    let mut escaped = String::with_capacity(text.len());
    for (at, letter) in text.chars().enumerate() {
        let special = matches!(letter, ',' | '+' | '"' | '\\' | '<' | '>' | ';');
        let at_an_end = letter == ' ' && (at == 0 || at == last) || letter == '#' && at == 0;
        if special || at_an_end {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

/// `1.2.840.…`; `None` for an identifier that ends in the middle of a number or has one beyond 64 bits.
fn dotted(identifier: &[u8]) -> Option<String> {
    let mut numbers: Vec<u64> = Vec::new();
    let mut number = 0_u64;
    let mut open = false;
    for byte in identifier {
        number = number.checked_mul(128)?.checked_add(u64::from(byte & 0x7f))?;
        open = byte & 0x80 != 0;
        if !open {
            if numbers.is_empty() {
                let first = (number / 40).min(2);
                numbers.push(first);
                number -= first * 40;
            }
            numbers.push(std::mem::take(&mut number));
        }
    }
    let texts: Vec<String> = numbers.iter().map(u64::to_string).collect();
    (!open && !texts.is_empty()).then(|| texts.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn element(tag: u8, content: &[u8]) -> Vec<u8> {
        [&[tag, content.len() as u8], content].concat()
    }

    fn name(attributes: &[(&[u8], u8, &str)]) -> Vec<u8> {
        let sets = attributes.iter().flat_map(|(identifier, tag, text)| {
            let pair = [element(6, identifier), element(*tag, text.as_bytes())].concat();
            element(SET, &element(SEQUENCE, &pair))
        });
        sets.collect()
    }

    #[test]
    fn the_last_part_comes_first_and_special_letters_are_escaped() {
        let der = name(&[
            (&[0x55, 4, 6], 0x13, "DE"),
            (&[0x55, 4, 10], 0x0c, "Müller, Söhne"),
            (&[0x55, 4, 3], 0x0c, "#alice "),
        ]);
        assert_eq!(to_text(&der).unwrap(), "CN=\\#alice\\ ,O=Müller\\, Söhne,C=DE");
    }

    #[test]
    fn an_attribute_without_a_keyword_is_a_number_and_hex() {
        let email = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1];
        let der = name(&[(&email, 0x16, "a@b")]);
        assert_eq!(to_text(&der).unwrap(), "1.2.840.113549.1.9.1=#1603614062");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _read = to_text(&bytes);
        }
    }
}
