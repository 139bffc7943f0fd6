//! Where something happened.

use crate::invalid::{Invalid, shown};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$item:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$item])* $variant),+ }

        impl $name {
            /// Every value, in the order of its definition.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word as it is written in requests and tables.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The value that `word` names.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }

            /// Reads the word at `pointer`; a refusal lists the words there are.
            pub fn parse(word: &str, pointer: &str) -> Result<Self, $crate::Invalid> {
                Self::from_word(word.trim()).ok_or_else(|| $crate::channel::unknown_word(word, &[$($word),+], pointer))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}
pub(crate) use words;

/// The refusal of a word outside a closed list.
pub(crate) fn unknown_word(word: &str, known: &[&str], pointer: &str) -> Invalid {
    let detail = format!("{} is not known here: use one of {}", shown(word), known.join(", "));
    Invalid::new("unknown_word", pointer, detail)
}

words! {
    /// The touchpoint of an event.
    Channel {
        /// A web site.
        Web = "web",
        /// E-mail.
        Email = "email",
        /// A mobile or desktop application.
        App = "app",
        /// Push notifications.
        Push = "push",
        /// Text messages.
        Sms = "sms",
        /// Social networks and messengers.
        Social = "social",
        /// Paid advertising.
        Ads = "ads",
        /// A shop or branch.
        InStore = "in_store",
        /// Customer support.
        Support = "support",
        /// Anything else.
        Other = "other",
    }
}
