//! Finding the events that the database refuses, so that one bad event never blocks the others.

use std::ops::Range;

/// The parts of a batch that are still to be written, in the order of arrival: an event that arrived earlier is
/// written earlier, and so the first of one id still wins.
#[derive(Debug)]
pub(super) struct Parts {
    todo: Vec<Range<usize>>,
}

impl Parts {
    /// A batch of `len` rows, in one part.
    pub(super) fn whole(len: usize) -> Self {
        Self { todo: if len == 0 { Vec::new() } else { vec![Range { start: 0, end: len }] } }
    }

    /// The next part to be written.
    pub(super) fn next(&mut self) -> Option<Range<usize>> {
        self.todo.pop()
    }

    /// Notes that `part` was refused: `Some` is the row at fault; else its halves are to be written one by one.
    pub(super) fn refused(&mut self, part: Range<usize>) -> Option<usize> {
        if part.len() <= 1 {
            return Some(part.start);
        }
        let middle = part.start + part.len() / 2;
        self.todo.push(middle..part.end);
        self.todo.push(part.start..middle);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes rows to a database that refuses whole transactions with a bad row: rows written, rows refused, tries.
    fn write(rows: &[bool]) -> (Vec<usize>, Vec<usize>, usize) {
        let (mut written, mut refused, mut tries) = (Vec::new(), Vec::new(), 0);
        let mut parts = Parts::whole(rows.len());
        while let Some(part) = parts.next() {
            tries += 1;
            if rows[part.clone()].iter().all(|good| *good) {
                written.extend(part);
            } else if let Some(row) = parts.refused(part) {
                refused.push(row);
            }
        }
        (written, refused, tries)
    }

    #[test]
    fn exactly_the_bad_rows_are_refused_and_the_others_written_in_order() {
        for bad in [vec![], vec![0], vec![999], vec![0, 1, 500, 998, 999], (0..1_000).collect()] {
            let rows: Vec<bool> = (0..1_000).map(|row| !bad.contains(&row)).collect();
            let (written, refused, tries) = write(&rows);
            assert_eq!(refused, bad);
            assert_eq!(written, (0..1_000).filter(|row| !bad.contains(row)).collect::<Vec<_>>());
            assert!(tries <= 1 + 2 * 10 * bad.len(), "{tries} tries for {} bad rows", bad.len());
        }
        assert_eq!(write(&[]), (vec![], vec![], 0));
    }
}
