//! `&amp;` and its kin.

use encoding_rs::WINDOWS_1252;

use super::{
    Problem,
    decoding::is_forbidden,
    finding::{Findings, quote},
};

/// Text with its references replaced; those that nobody knows stay.
pub(super) fn replace(text: &str, out: &mut String, findings: &mut Findings) {
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let end = after.bytes().take(LONGEST_NAME + 1).position(|byte| byte == b';');
        match end.and_then(|end| after.split_at_checked(end)) {
            Some((name, after)) if is_name(name) => {
                push(name, out, findings);
                rest = after.get(1..).unwrap_or_default();
            }
            _ => {
                findings.note(Problem::BareAmpersand);
                out.push('&');
                rest = after;
            }
        }
    }
    out.push_str(rest);
}

/// What `&name;` stands for, or itself.
pub(super) fn push(name: &str, out: &mut String, findings: &mut Findings) {
    if let Some(character) = character(name) {
        out.push(character);
        return;
    }
    findings.note(if is_name(name) {
        Problem::UnknownReference(quote(name))
    } else {
        Problem::BareAmpersand
    });
    out.push('&');
    out.push_str(name);
    out.push(';');
}

const LONGEST_NAME: usize = 32;

fn is_name(name: &str) -> bool {
    let letters = name.strip_prefix('#').unwrap_or(name);
    (1..=LONGEST_NAME).contains(&letters.len()) && letters.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn character(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16),
            None => number.parse(),
        };
        return match u8::try_from(code.clone().ok()?) {
            // Nobody means the control characters that stand there: as HTML reads them.
            Ok(byte @ 0x80..=0x9f) => WINDOWS_1252.decode_without_bom_handling(&[byte]).0.chars().next(),
            _ => char::from_u32(code.ok()?).filter(|character| !is_forbidden(*character)),
        };
    }
    if let Some(at) = LATIN_1.iter().position(|known| *known == name) {
        return u32::try_from(at).ok().and_then(|at| char::from_u32(0xa0 + at));
    }
    OTHERS.iter().find(|(known, _)| *known == name).map(|(_, character)| *character)
}

/// HTML's names for U+00A0 to U+00FF, in order.
const LATIN_1: [&str; 96] = [
    "nbsp", "iexcl", "cent", "pound", "curren", "yen", "brvbar", "sect", "uml", "copy", "ordf", "laquo",
    "not", "shy", "reg", "macr", "deg", "plusmn", "sup2", "sup3", "acute", "micro", "para", "middot",
    "cedil", "sup1", "ordm", "raquo", "frac14", "frac12", "frac34", "iquest", "Agrave", "Aacute", "Acirc",
    "Atilde", "Auml", "Aring", "AElig", "Ccedil", "Egrave", "Eacute", "Ecirc", "Euml", "Igrave", "Iacute",
    "Icirc", "Iuml", "ETH", "Ntilde", "Ograve", "Oacute", "Ocirc", "Otilde", "Ouml", "times", "Oslash",
    "Ugrave", "Uacute", "Ucirc", "Uuml", "Yacute", "THORN", "szlig", "agrave", "aacute", "acirc", "atilde",
    "auml", "aring", "aelig", "ccedil", "egrave", "eacute", "ecirc", "euml", "igrave", "iacute", "icirc",
    "iuml", "eth", "ntilde", "ograve", "oacute", "ocirc", "otilde", "ouml", "divide", "oslash", "ugrave",
    "uacute", "ucirc", "uuml", "yacute", "thorn", "yuml",
];

/// XML's own, and those of HTML's others that people type.
const OTHERS: [(&str, char); 50] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("AMP", '&'),
    ("LT", '<'),
    ("GT", '>'),
    ("QUOT", '"'),
    ("OElig", 'Œ'),
    ("oelig", 'œ'),
    ("Scaron", 'Š'),
    ("scaron", 'š'),
    ("Zcaron", 'Ž'),
    ("zcaron", 'ž'),
    ("Yuml", 'Ÿ'),
    ("fnof", 'ƒ'),
    ("circ", 'ˆ'),
    ("tilde", '˜'),
    ("ensp", '\u{2002}'),
    ("emsp", '\u{2003}'),
    ("thinsp", '\u{2009}'),
    ("zwnj", '\u{200c}'),
    ("zwj", '\u{200d}'),
    ("lrm", '\u{200e}'),
    ("rlm", '\u{200f}'),
    ("ndash", '–'),
    ("mdash", '—'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("sbquo", '‚'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("bdquo", '„'),
    ("dagger", '†'),
    ("bull", '•'),
    ("hellip", '…'),
    ("permil", '‰'),
    ("prime", '′'),
    ("lsaquo", '‹'),
    ("rsaquo", '›'),
    ("euro", '€'),
    ("trade", '™'),
    ("larr", '←'),
    ("rarr", '→'),
    ("minus", '−'),
    ("infin", '∞'),
    ("ne", '≠'),
    ("le", '≤'),
    ("ge", '≥'),
];
