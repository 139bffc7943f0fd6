//! Changes of a tally as bytes: what a slice adds to the rows of one dimension, in one piece.
//!
//! A format number, then row by row its key (length and text of the value, arm, day) and the length and bytes of the row.

use std::collections::hash_map::Entry;
use std::sync::Arc;

use journey::Day;

use super::{Row, RowKey, Tally};
use crate::varint::{get, put_len, put_signed, signed};

/// What changes are written as.
const FORMAT: u8 = 1;

/// The changes of one dimension as bytes.
#[derive(Debug)]
pub struct Changes(Vec<u8>);

impl Default for Changes {
    fn default() -> Self {
        Self(vec![FORMAT])
    }
}

impl Changes {
    /// Puts a row's change behind the others. Whoever reads them knows the dimension.
    pub fn push(&mut self, key: &RowKey, row: &Row) {
        let bytes = row.to_bytes();
        put_len(&mut self.0, key.value.len());
        self.0.extend_from_slice(key.value.as_bytes());
        put_signed(&mut self.0, key.arm.into());
        put_signed(&mut self.0, key.day.number().into());
        put_len(&mut self.0, bytes.len());
        self.0.extend_from_slice(&bytes);
    }

    /// The bytes to store.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

impl Tally {
    /// Adds to a row.
    pub fn add_row(&mut self, key: RowKey, row: Row) {
        match self.rows.entry(key) {
            Entry::Occupied(mut held) => held.get_mut().add(&row),
            Entry::Vacant(place) => drop(place.insert(row)),
        }
    }

    /// Adds the changes of a dimension that [`Changes`] wrote; `None` where the bytes are none, and then some may have been added.
    pub fn add_changes(&mut self, dimension: i16, bytes: &[u8]) -> Option<()> {
        let (&FORMAT, mut from) = bytes.split_first()? else { return None };
        while !from.is_empty() {
            let value: Arc<str> = std::str::from_utf8(piece(&mut from)?).ok()?.into();
            let arm = i16::try_from(signed(&mut from)?).ok()?;
            let day = Day::from_number(i32::try_from(signed(&mut from)?).ok()?);
            let row = Row::from_bytes(piece(&mut from)?)?;
            self.add_row(RowKey { dimension, value, arm, day }, row);
        }
        Some(())
    }
}

/// A length, and so many bytes.
fn piece<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(get(from)?).ok()?;
    let (piece, rest) = from.split_at_checked(length)?;
    *from = rest;
    Some(piece)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn change() -> impl Strategy<Value = (RowKey, Row)> {
        ("[ab]{0,2}", -1i16..3, -3i32..3, -2i64..3).prop_map(|(value, arm, day, persons)| {
            let mut row = Row::default();
            row.all.counts[0] = persons;
            (RowKey { dimension: 2, value: value.as_str().into(), arm, day: Day::from_number(day) }, row)
        })
    }

    proptest! {
        #[test]
        fn changes_add_up_however_they_are_cut(rows in prop::collection::vec(change(), 0..20), cut in 0usize..20) {
            let mut wanted = Tally::default();
            for (key, row) in &rows {
                wanted.add_row(key.clone(), row.clone());
            }
            let (first, second) = rows.split_at(cut.min(rows.len()));
            let mut read = Tally::default();
            for part in [first, second] {
                let mut changes = Changes::default();
                for (key, row) in part {
                    changes.push(key, row);
                }
                prop_assert_eq!(read.add_changes(2, &changes.into_bytes()), Some(()));
            }
            prop_assert_eq!(read, wanted);
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..60), small in prop::collection::vec(0u8..4, 0..40)) {
            let _ = Tally::default().add_changes(0, &bytes);
            let _ = Tally::default().add_changes(0, &[&[FORMAT], &small[..]].concat());
        }
    }
}
