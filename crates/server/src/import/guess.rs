//! Guessing the format of an input from its name and its first bytes.

use std::path::Path;

use super::args::Format;

/// The types of Segment's calls.
const SEGMENT: &[&str] = &["track", "page", "screen", "identify", "group", "alias"];

/// What the lines of an input hold.
pub(crate) fn format(file: &Path, start: &[u8]) -> anyhow::Result<Format> {
    let name = super::name_of(file).to_ascii_lowercase();
    let extension = Path::new(&name).extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    if matches!(extension, "csv" | "tsv") {
        return Ok(Format::Csv);
    }
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    match text.first() {
        Some(b'{') => {}
        Some(b'[') => anyhow::bail!("this is a JSON array: make lines of it first, for example with jq -c '.[]'"),
        _ if matches!(extension, "jsonl" | "ndjson") || text.is_empty() => return Ok(Format::Jsonl),
        _ => return Ok(Format::Csv),
    }
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let first: serde_json::Value = serde_json::from_slice(line).unwrap_or_default();
    let kind = first.get("type").and_then(serde_json::Value::as_str);
    let is_call = kind.is_some_and(|kind| SEGMENT.contains(&kind))
        && first.get("name").is_none_or(|_| first.get("event_id").is_none());
    Ok(if is_call { Format::Segment } else { Format::Jsonl })
}

/// What separates the fields of a table.
pub(crate) fn delimiter(given: Option<&str>, file: &Path) -> anyhow::Result<u8> {
    match given {
        Some("\\t" | "\t" | "tab") => Ok(b'\t'),
        Some(text) => match text.as_bytes() {
            [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') => Ok(*byte),
            _ => anyhow::bail!("--delimiter: {text:?} is no single ASCII character: use , or ; or \\t"),
        },
        None if super::name_of(file).to_ascii_lowercase().ends_with(".tsv") => Ok(b'\t'),
        None => Ok(b','),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guesses_by_name_then_by_content() {
        let guess = |name: &str, start: &str| format(Path::new(name), start.as_bytes());
        assert_eq!(guess("a.csv.gz", "{").unwrap(), Format::Csv);
        assert_eq!(guess("-", "a,b\n").unwrap(), Format::Csv);
        assert_eq!(guess("a.jsonl", "{\"event_id\":\"1\"}\n{").unwrap(), Format::Jsonl);
        assert_eq!(guess("-", "\u{feff}{\"type\":\"track\",\"event\":\"A\"}\n{}").unwrap(), Format::Segment);
        assert_eq!(guess("-", "{\"type\":\"click\"}").unwrap(), Format::Jsonl);
        assert_eq!(guess("-", "{\"type\":\"page\",\"name\":\"Home\"}").unwrap(), Format::Segment);
        assert!(guess("a.json", "[{}]").unwrap_err().to_string().contains("jq"));
    }

    #[test]
    fn delimiters_are_one_character() {
        let of = |given: Option<&str>, name: &str| delimiter(given, Path::new(name));
        assert_eq!(of(None, "a.tsv.gz").unwrap(), b'\t');
        assert_eq!(of(Some("\\t"), "a.csv").unwrap(), b'\t');
        assert_eq!(of(Some(";"), "a.csv").unwrap(), b';');
        assert!(of(Some("ab"), "a.csv").is_err());
    }
}
