//! Schemas that types alone do not tell.

use std::borrow::Cow;

use journey::Amount;
use serde::{Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Schema, SchemaType, Type};
use utoipa::{PartialSchema, ToSchema};

/// Decimal text as `Amount` reads it.
pub(crate) const DECIMAL: &str = r"^\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?\s*$";

fn of(types: &[Type]) -> ObjectBuilder {
    let schema_type = match types {
        [one] => SchemaType::Type(one.clone()),
        several => SchemaType::Array(several.to_vec()),
    };
    ObjectBuilder::new().schema_type(schema_type)
}

fn words(known: impl Iterator<Item = &'static str>) -> ObjectBuilder {
    of(&[Type::String]).enum_values(Some(known))
}

/// The most values of one condition of a `where`.
pub(crate) const MAX_VALUES: usize = 100;

fn conditions() -> ObjectBuilder {
    let scalar = || of(&[Type::String, Type::Number, Type::Boolean]);
    let several = ArrayBuilder::new().items(scalar()).min_items(Some(1)).max_items(Some(MAX_VALUES));
    let condition = OneOfBuilder::new().item(scalar()).item(several).build();
    of(&[Type::Object]).additional_properties(Some(RefOr::T(Schema::OneOf(condition))))
}

/// Types that stand in wire structs for their schema alone.
macro_rules! named {
    ($($(#[doc = $doc:literal])+ $name:ident: $schema:expr;)+) => {
        $($(#[doc = $doc])+
        pub(crate) struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let about = [$($doc),+].map(str::trim).join(" ");
                $schema.description(Some(about)).build().into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                stringify!($name).into()
            }
        })+
    };
}

named! {
    /// A number, or decimal text, within ±1e9 with at most 6 decimals.
    Decimal: of(&[Type::Number, Type::String]).pattern(Some(DECIMAL)).minimum(Some(-1e9)).maximum(Some(1e9));
    /// A number, or decimal text, above 0 and at most 1 with at most 6 decimals.
    Margin: of(&[Type::Number, Type::String]).pattern(Some(DECIMAL)).exclusive_minimum(Some(0.0)).maximum(Some(1.0));
    /// A number, or decimal text, from 0 to 1e9 with at most 6 decimals.
    NotNegative: of(&[Type::Number, Type::String]).pattern(Some(DECIMAL)).minimum(Some(0)).maximum(Some(1e9));
    /// A number, or decimal text of any length. Text keeps every digit.
    Long: of(&[Type::Number, Type::String]).pattern(Some(DECIMAL));
    /// Conditions, all of which an event must meet: by path, a scalar, or an array of scalars of which one must match.
    Where: conditions();
    /// An id as client libraries send it: text or a number.
    LooseId: of(&[Type::String, Type::Number]);
    /// Where something happened.
    Channel: words(journey::Channel::ALL.iter().map(|word| word.word()));
    /// How the days of a retention are counted.
    Align: words(journey::Align::ALL.iter().map(|word| word.word()));
    /// A kind of personalisation.
    Tactic: words(journey::Tactic::ALL.iter().map(|word| word.word()));
    /// What happens to a person who is exposed to a second arm: `first` keeps counting for the first arm, `exclude` takes the
    /// person away.
    Crossovers: words(journey::CrossoverPolicy::ALL.iter().map(|word| word.word()));
    /// How lifts are tested.
    Method: words(journey::Method::ALL.iter().map(|word| word.word()));
    /// What a metric is for: the primary ones decide, guardrails must not be harmed.
    Role: words(journey::Role::ALL.iter().map(|word| word.word()));
    /// The direction in which a metric improves.
    Goal: words(journey::Goal::ALL.iter().map(|word| word.word()));
    /// What of an event is looked at: its `value`, one per event (`count`), or the number at a path such as `properties.score`.
    Of: of(&[Type::String]).min_length(Some(1)).max_length(Some(255)).pattern(Some(r"^\s*(value|count|.+\..+)\s*$"));
    /// How answers are scored: `nps` (0 to 10; 9 and more score 100, 6 and less -100, those between 0), `csat` (1 from
    /// `satisfied_from` on, else 0) or `mean` (the answer itself).
    Scale: words(journey::Scale::WORDS.iter().copied());
    /// The time that a rate is told per.
    Per: words(["day", "week"].into_iter());
    /// What a key may do: `ingest` posts events, `read` reads, `admin` defines and manages keys, and reads.
    Scope: words(journey::Scope::ALL.iter().map(|word| word.word()));
}

/// An amount as a JSON number. Amounts have at most 16 digits, which survive the way through a double.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct NumberOf(pub(crate) Amount);

impl Serialize for NumberOf {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let units = self.0.units();
        if units % journey::UNIT == 0 {
            serializer.serialize_i64(units / journey::UNIT)
        } else {
            serializer.serialize_f64(self.0.to_string().parse().unwrap_or(f64::NAN))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_the_numbers_that_were_sent() {
        for text in ["1", "0", "-3", "0.02", "999999999.999999", "-0.000001"] {
            let amount = Amount::parse(text, "").unwrap();
            let number = serde_json::to_string(&NumberOf(amount)).unwrap();
            assert_eq!(Amount::parse(&number, "").unwrap(), amount, "{number}");
        }
        assert_eq!(serde_json::to_string(&NumberOf(Amount::parse("0.02", "").unwrap())).unwrap(), "0.02");
    }
}
