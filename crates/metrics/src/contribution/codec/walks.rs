//! Walks as bytes. Instants and days are written as steps from the mark before, and each label once: a number that is
//! not in use yet brings a new label along.

use std::sync::Arc;

use journey::Day;

use super::{list, optional_day, put_optional_day, small, text};
use crate::lens::{Mark, Walk};
use crate::varint::{get, put, put_len, put_signed, signed};

pub(super) fn put_walks(out: &mut Vec<u8>, walks: &[Walk]) {
    let mut labels: Vec<Arc<str>> = Vec::new();
    put_len(out, walks.len());
    for walk in walks {
        put_optional_day(out, walk.matured);
        put_signed(out, i128::from(walk.through));
        put(out, u128::from(walk.dropped));
        put_len(out, walk.marks.len());
        let (mut micros, mut day) = (0i64, 0i32);
        for mark in &walk.marks {
            put_signed(out, i128::from(mark.micros) - i128::from(micros));
            put_signed(out, i128::from(mark.day.number()) - i128::from(day));
            (micros, day) = (mark.micros, mark.day.number());
            put(out, u128::from(mark.tag));
            put_signed(out, i128::from(mark.value));
            if let Some(known) = labels.iter().position(|label| *label == mark.label) {
                put_len(out, known);
            } else {
                put_len(out, labels.len());
                put_len(out, mark.label.len());
                out.extend_from_slice(mark.label.as_bytes());
                labels.push(mark.label.clone());
            }
        }
    }
}

pub(super) fn walks(from: &mut &[u8]) -> Option<Vec<Walk>> {
    let mut labels: Vec<Arc<str>> = Vec::new();
    list(from, |from| {
        let (matured, through, dropped) = (optional_day(from)?, signed(from)?.try_into().ok()?, small(from)?);
        let (mut micros, mut day) = (0i64, 0i32);
        let marks = list(from, |from| {
            micros = i64::try_from(signed(from)?.checked_add(i128::from(micros))?).ok()?;
            day = i32::try_from(signed(from)?.checked_add(i128::from(day))?).ok()?;
            let tag = get(from)?.try_into().ok()?;
            let value = signed(from)?.try_into().ok()?;
            let number = usize::try_from(get(from)?).ok()?;
            if number == labels.len() {
                let new = text(from)?;
                // Each label has one number, so that the same walks have the same bytes.
                if labels.contains(&new) {
                    return None;
                }
                labels.push(new);
            }
            Some(Mark { micros, day: Day::from_number(day), tag, label: labels.get(number)?.clone(), value })
        })?;
        Some(Walk { matured, through, dropped, marks })
    })
}
