//! Event ids: any text, held as sixteen bytes.

use uuid::Uuid;

use crate::invalid::Invalid;
use crate::text::Name;

/// The namespace in which texts become ids. It never changes: stored ids depend on it.
const NAMESPACE: Uuid = Uuid::from_u128(0x6a6f_7572_6e65_796c_8966_742d_6576_656e);

/// The id of an event within its tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId([u8; 16]);

impl EventId {
    /// Reads an id: a lower-case hyphenated UUID stands for itself, any other text for its UUIDv5.
    pub fn parse(text: &str, pointer: &str) -> Result<Self, Invalid> {
        let name = Name::parse(text, pointer)?;
        let text = name.as_str();
        if text.len() == 36
            && let Ok(uuid) = Uuid::try_parse(text)
            && uuid.hyphenated().to_string() == text
        {
            return Ok(Self(*uuid.as_bytes()));
        }
        Ok(Self(*Uuid::new_v5(&NAMESPACE, text.as_bytes()).as_bytes()))
    }

    /// The id with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The sixteen bytes, in the order in which ids are compared.
    #[must_use]
    pub const fn bytes(self) -> [u8; 16] {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_stands_for_itself_and_other_spellings_do_not() {
        let text = "7d0bf2b5-0000-4000-8000-00000000002f";
        let id = EventId::parse(text, "/event_id").unwrap();
        assert_eq!(Uuid::from_bytes(id.bytes()).to_string(), text);
        assert_ne!(EventId::parse(&text.to_uppercase(), "/event_id").unwrap(), id);
        assert_eq!(EventId::parse("order-1", "/event_id"), EventId::parse(" order-1 ", "/event_id"));
        assert_ne!(EventId::parse("order-1", "/event_id"), EventId::parse("order-2", "/event_id"));
    }
}
