//! Mappings: which column or member of a record becomes which field of an event.

use anyhow::{Context as _, bail, ensure};

/// The fields of an event that are plain texts.
pub(crate) const FIELDS: &[&str] = &[
    "event_id",
    "user_id",
    "anonymous_id",
    "previous_id",
    "name",
    "occurred_at",
    "channel",
    "stage",
    "value",
    "currency",
];

/// The fields of an event that are objects.
pub(crate) const OBJECTS: &[&str] = &["properties", "context", "traits"];

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// A column of a row, or a member of an object (dots descend).
    Column(String),
    /// This text.
    Literal(String),
    /// The number of the line on which the record begins, from 1.
    Line,
    /// The number of the record, from 1.
    Record,
    /// Every column or member that no other part of the mapping names.
    Rest,
}

/// Where a value goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// A text field of the event.
    Field(&'static str),
    /// A whole object of the event.
    Object(&'static str),
    /// A member inside an object of the event.
    Member(&'static str, Vec<String>),
}

/// A mapping: in the order in which it was written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Mapping {
    /// From where to where.
    pub(crate) parts: Vec<(Target, Source)>,
}

impl Mapping {
    /// Reads the values of all `--map`.
    pub(crate) fn parse(texts: &[String]) -> anyhow::Result<Self> {
        let mut mapping = Self::default();
        for text in texts {
            for part in split(text)? {
                let (target, source) = part
                    .split_once('=')
                    .with_context(|| format!("--map: {part:?} is not FIELD=SOURCE, such as user_id=customer"))?;
                let target = Target::parse(target.trim())?;
                let source = Source::parse(source.trim()).with_context(|| format!("--map: in {part:?}"))?;
                mapping.add(target, source)?;
            }
        }
        Ok(mapping)
    }

    /// The mapping of columns that are named like the fields they fill; what it cannot place is refused by name.
    pub(crate) fn of_header(header: &[String]) -> anyhow::Result<Self> {
        let mut mapping = Self::default();
        for column in header {
            let target = Target::parse(column.trim()).map_err(|_| {
                anyhow::anyhow!(
                    "the column {column:?} is not named like a field of an event. Say what becomes of the columns with \
                     --map, for example --map 'user_id={column},name=:Order Completed,properties=*'. \
                     The columns are: {}",
                    header.join(", ")
                )
            })?;
            mapping.add(target, Source::Column(column.clone()))?;
        }
        Ok(mapping)
    }

    fn add(&mut self, target: Target, source: Source) -> anyhow::Result<()> {
        ensure!(
            source != Source::Rest || matches!(target, Target::Object(_)),
            "--map: * (all other columns) fits only properties, context and traits"
        );
        ensure!(
            source != Source::Rest || !self.parts.iter().any(|(_, other)| *other == Source::Rest),
            "--map: * (all other columns) may stand once"
        );
        for (other, from) in &self.parts {
            let clash = match (other, &target) {
                // The rest may be added to members that are named.
                (Target::Object(a), Target::Member(b, _)) => a == b && *from != Source::Rest,
                (Target::Member(a, _), Target::Object(b)) => a == b && source != Source::Rest,
                (Target::Member(a, one), Target::Member(b, two)) => {
                    a == b && (one.starts_with(two) || two.starts_with(one))
                }
                (a, b) => a == b,
            };
            ensure!(!clash, "--map: {} is filled twice", target.shown());
        }
        self.parts.push((target, source));
        Ok(())
    }

    /// The columns that it reads.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|(_, source)| match source {
            Source::Column(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// Checks that every column that it reads is one of `header`.
    pub(crate) fn check_columns(&self, header: &[String]) -> anyhow::Result<()> {
        for column in self.columns() {
            ensure!(
                header.iter().any(|known| known == column),
                "--map: there is no column {column:?}. The columns are: {}. A text that is the same on every line is \
                 written with a colon before it: =:{column}",
                header.join(", ")
            );
        }
        Ok(())
    }
}

impl Target {
    fn parse(text: &str) -> anyhow::Result<Self> {
        if let Some(field) = FIELDS.iter().find(|field| **field == text) {
            return Ok(Self::Field(field));
        }
        if let Some(object) = OBJECTS.iter().find(|object| **object == text) {
            return Ok(Self::Object(object));
        }
        if let Some((root, rest)) = text.split_once('.')
            && let Some(object) = OBJECTS.iter().find(|object| **object == root)
        {
            let path: Vec<String> = rest.split('.').map(str::to_owned).collect();
            ensure!(path.iter().all(|part| !part.is_empty()), "--map: {text:?} has an empty part");
            return Ok(Self::Member(object, path));
        }
        bail!(
            "--map: {text:?} is no field of an event: use {}, {} or a member such as properties.category",
            FIELDS.join(", "),
            OBJECTS.join(", ")
        )
    }

    fn shown(&self) -> String {
        match self {
            Self::Field(name) | Self::Object(name) => (*name).to_owned(),
            Self::Member(root, path) => format!("{root}.{}", path.join(".")),
        }
    }
}

impl Source {
    fn parse(text: &str) -> anyhow::Result<Self> {
        match text {
            "" => bail!("nothing stands after the =: name a column, or write a literal as =:text"),
            "*" => return Ok(Self::Rest),
            "@line" => return Ok(Self::Line),
            "@record" => return Ok(Self::Record),
            _ => {}
        }
        if let Some(literal) = text.strip_prefix(':') {
            // Quotes may stand after the colon, to keep a comma or a space at the ends.
            return Ok(Self::Literal(unquote(literal, '\'')?.unwrap_or_else(|| literal.to_owned())));
        }
        if let Some(literal) = unquote(text, '\'')? {
            return Ok(Self::Literal(literal));
        }
        if let Some(column) = unquote(text, '"')? {
            return Ok(Self::Column(column));
        }
        ensure!(!text.starts_with('@'), "{text} is not known: use @line or @record, or write a column as \"{text}\"");
        Ok(Self::Column(text.to_owned()))
    }
}

/// The text inside quotes, a doubled quote standing for one; `None` where it does not begin with a quote.
fn unquote(text: &str, quote: char) -> anyhow::Result<Option<String>> {
    let Some(rest) = text.strip_prefix(quote) else { return Ok(None) };
    let doubled: String = [quote, quote].iter().collect();
    let Some(inner) = rest.strip_suffix(quote).filter(|inner| !inner.replace(&doubled, "").contains(quote)) else {
        bail!("{text} begins with a quote and does not end with it (inside, double it)");
    };
    Ok(Some(inner.replace(&doubled, &quote.to_string())))
}

/// Splits at the commas outside quotes. A quote opens only where a source begins.
fn split(text: &str) -> anyhow::Result<Vec<&str>> {
    let (mut parts, mut start, mut quote) = (Vec::new(), 0, None);
    let mut before = ',';
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (Some(open), _) => quote = Some(open).filter(|open| *open != character),
            (None, '\'' | '"') if matches!(before, '=' | ':' | '\'' | '"') => quote = Some(character),
            (None, ',') => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
        before = character;
    }
    ensure!(quote.is_none(), "--map: a quote is not closed in {text:?}");
    parts.push(&text[start..]);
    Ok(parts.into_iter().filter(|part| !part.trim().is_empty()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> anyhow::Result<Mapping> {
        Mapping::parse(&[text.to_owned()])
    }

    fn fault(text: &str) -> String {
        format!("{:#}", parse(text).unwrap_err())
    }

    #[test]
    fn reads_columns_literals_and_members() {
        let mapping = parse(
            "event_id=id, user_id=\"customer, no\",name='Order, Completed',channel=:email,value=amount,\
             properties.shop.city=city,traits=*,context.row=@record",
        )
        .unwrap();
        let column = |name: &str| Source::Column(name.into());
        let literal = |text: &str| Source::Literal(text.into());
        assert_eq!(
            mapping.parts,
            [
                (Target::Field("event_id"), column("id")),
                (Target::Field("user_id"), column("customer, no")),
                (Target::Field("name"), literal("Order, Completed")),
                (Target::Field("channel"), literal("email")),
                (Target::Field("value"), column("amount")),
                (Target::Member("properties", vec!["shop".into(), "city".into()]), column("city")),
                (Target::Object("traits"), Source::Rest),
                (Target::Member("context", vec!["row".into()]), Source::Record),
            ]
        );
    }

    #[test]
    fn quotes_double_and_colons_take_everything_up_to_the_comma() {
        let literal = |text: &str| parse(text).unwrap().parts.remove(0).1;
        assert_eq!(literal("name='It''s done'"), Source::Literal("It's done".into()));
        assert_eq!(literal("name=:Order Completed"), Source::Literal("Order Completed".into()));
        assert_eq!(literal("name=:'a, b'"), Source::Literal("a, b".into()));
        assert_eq!(literal("name=:a=b's"), Source::Literal("a=b's".into()));
        assert_eq!(literal("name=''"), Source::Literal(String::new()));
    }

    #[test]
    fn says_what_is_wrong() {
        assert!(fault("user=u").contains("\"user\" is no field of an event"));
        assert!(fault("user_id").contains("not FIELD=SOURCE"));
        assert!(fault("user_id=").contains("nothing stands after the ="));
        assert!(fault("user_id=a,user_id=b").contains("user_id is filled twice"));
        assert!(fault("properties=p,properties.a=b").contains("filled twice"));
        assert!(fault("properties.a=p,properties.a.b=q").contains("filled twice"));
        assert!(fault("name='Order").contains("not closed"));
        assert!(fault("user_id=*").contains("fits only"));
        assert!(fault("user_id=@now").contains("not known"));
        assert!(parse("properties=*,properties.a=b").is_ok());
    }

    #[test]
    fn a_shell_that_ate_the_quotes_is_told() {
        let mapping = parse("user_id=u,name=Order Completed").unwrap();
        let told = mapping.check_columns(&["u".into(), "t".into()]).unwrap_err().to_string();
        assert!(told.contains("=:Order Completed") && told.contains("u, t"), "{told}");
    }

    #[test]
    fn a_header_of_field_names_maps_itself() {
        let header = ["user_id", "name", "properties.category"].map(str::to_owned);
        assert_eq!(Mapping::of_header(&header).unwrap().parts.len(), 3);
        assert!(
            Mapping::of_header(&["customer".to_owned()]).unwrap_err().to_string().contains("--map 'user_id=customer,")
        );
    }
}
