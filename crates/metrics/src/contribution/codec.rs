//! Contributions as bytes: a format number, then integers of variable length.

mod walks;

use std::sync::Arc;

use journey::{Day, Instant};

use self::walks::{put_walks, walks};
use super::{Assignment, Contribution, Step, Stray, Trace};
use crate::varint::{get, put, put_len, put_signed, signed};

/// What contributions without walks are written as.
const FORMAT: u8 = 1;
/// What contributions with walks are written as: the same, and the walks at the end.
const WALKING: u8 = 2;

pub(super) fn encode(contribution: &Contribution) -> Vec<u8> {
    let walks = contribution.assignment.as_ref().map_or(&[][..], |assignment| &assignment.walks);
    let mut out = vec![if walks.is_empty() { FORMAT } else { WALKING }];
    put_len(&mut out, contribution.strays.len());
    for stray in &contribution.strays {
        put_day(&mut out, stray.day);
        put(&mut out, u128::from(stray.outside));
        put(&mut out, u128::from(stray.unknown_arm));
    }
    let Some(assignment) = &contribution.assignment else {
        return out;
    };
    put(&mut out, u128::from(assignment.arm));
    put_signed(&mut out, i128::from(assignment.at.micros()));
    put_day(&mut out, assignment.day);
    put_optional_day(&mut out, assignment.matured);
    put_optional_day(&mut out, assignment.crossed);
    put_len(&mut out, assignment.values.len());
    for value in &assignment.values {
        put_len(&mut out, value.len());
        out.extend_from_slice(value.as_bytes());
    }
    put_len(&mut out, assignment.foreign.len());
    for (day, events) in &assignment.foreign {
        put_day(&mut out, *day);
        put(&mut out, u128::from(*events));
    }
    put_len(&mut out, assignment.traces.len());
    for trace in &assignment.traces {
        put_optional_day(&mut out, trace.matured);
        put_signed(&mut out, i128::from(trace.window_units));
        put_signed(&mut out, i128::from(trace.x));
        put_signed(&mut out, i128::from(trace.u));
        put_len(&mut out, trace.steps.len());
        for step in &trace.steps {
            put_day(&mut out, step.day);
            put_signed(&mut out, step.y);
            put_signed(&mut out, step.d);
            put_signed(&mut out, i128::from(step.orders));
        }
    }
    if !walks.is_empty() {
        put_walks(&mut out, walks);
    }
    out
}

pub(super) fn decode(bytes: &[u8]) -> Option<Contribution> {
    let (format, mut rest) = bytes.split_first()?;
    let is_walking = match *format {
        FORMAT => false,
        WALKING => true,
        _ => return None,
    };
    let from = &mut rest;
    let strays = list(from, |from| Some(Stray { day: day(from)?, outside: small(from)?, unknown_arm: small(from)? }))?;
    if from.is_empty() {
        return (!is_walking).then_some(Contribution { strays, assignment: None });
    }
    let mut assignment = Assignment {
        arm: u16::try_from(get(from)?).ok()?,
        at: Instant::from_micros(signed(from)?.try_into().ok()?),
        day: day(from)?,
        matured: optional_day(from)?,
        crossed: optional_day(from)?,
        values: list(from, text)?,
        foreign: list(from, |from| Some((day(from)?, small(from)?)))?,
        traces: list(from, |from| {
            Some(Trace {
                matured: optional_day(from)?,
                window_units: signed(from)?.try_into().ok()?,
                x: signed(from)?.try_into().ok()?,
                u: signed(from)?.try_into().ok()?,
                steps: list(from, |from| {
                    Some(Step {
                        day: day(from)?,
                        y: signed(from)?,
                        d: signed(from)?,
                        orders: signed(from)?.try_into().ok()?,
                    })
                })?,
            })
        })?,
        walks: Vec::new(),
    };
    if is_walking {
        assignment.walks = walks(from).filter(|walks| !walks.is_empty())?;
    }
    from.is_empty().then_some(Contribution { strays, assignment: Some(assignment) })
}

fn put_day(out: &mut Vec<u8>, day: Day) {
    put_signed(out, i128::from(day.number()));
}

fn put_optional_day(out: &mut Vec<u8>, day: Option<Day>) {
    match day {
        Some(day) => {
            out.push(1);
            put_day(out, day);
        }
        None => out.push(0),
    }
}

fn small(from: &mut &[u8]) -> Option<u32> {
    get(from)?.try_into().ok()
}

fn day(from: &mut &[u8]) -> Option<Day> {
    Some(Day::from_number(signed(from)?.try_into().ok()?))
}

#[expect(clippy::option_option, reason = "the outer one says whether the bytes can be read, the inner one is read")]
fn optional_day(from: &mut &[u8]) -> Option<Option<Day>> {
    let (flag, rest) = from.split_first()?;
    *from = rest;
    match flag {
        0 => Some(None),
        1 => day(from).map(Some),
        _ => None,
    }
}

fn text(from: &mut &[u8]) -> Option<Arc<str>> {
    let len = usize::try_from(get(from)?).ok()?;
    let (text, rest) = from.split_at_checked(len)?;
    *from = rest;
    std::str::from_utf8(text).ok().map(Arc::from)
}

fn list<T>(from: &mut &[u8], mut item: impl FnMut(&mut &[u8]) -> Option<T>) -> Option<Vec<T>> {
    let len = usize::try_from(get(from)?).ok()?;
    // Every item takes at least a byte, so a length beyond what is left is a lie.
    if len > from.len() {
        return None;
    }
    (0..len).map(|_| item(from)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lens::{Mark, Walk};
    use proptest::prelude::*;

    fn days() -> impl Strategy<Value = Day> {
        any::<i32>().prop_map(Day::from_number)
    }

    fn walk() -> impl Strategy<Value = Walk> {
        let mark = (any::<i64>(), days(), any::<u16>(), "[ab]{0,2}".prop_map(Arc::from), any::<i64>())
            .prop_map(|(micros, day, tag, label, value)| Mark { micros, day, tag, label, value });
        (proptest::option::of(days()), any::<i64>(), any::<u32>(), prop::collection::vec(mark, 0..5))
            .prop_map(|(matured, through, dropped, marks)| Walk { matured, through, dropped, marks })
    }

    fn contributions() -> impl Strategy<Value = Contribution> {
        let stray = (days(), any::<u32>(), any::<u32>()).prop_map(|(day, outside, unknown_arm)| Stray {
            day,
            outside,
            unknown_arm,
        });
        let step = (days(), any::<i128>(), any::<i128>(), any::<i64>()).prop_map(|(day, y, d, orders)| Step {
            day,
            y,
            d,
            orders,
        });
        let trace =
            (proptest::option::of(days()), any::<i64>(), any::<i64>(), any::<i64>(), prop::collection::vec(step, 0..4))
                .prop_map(|(matured, window_units, x, u, steps)| Trace { matured, window_units, x, u, steps });
        let assignment = (
            (any::<u16>(), any::<i64>(), days(), proptest::option::of(days()), proptest::option::of(days())),
            prop::collection::vec(".{0,9}".prop_map(Arc::from), 0..3),
            prop::collection::vec((days(), any::<u32>()), 0..3),
            prop::collection::vec(trace, 0..4),
            prop_oneof![1 => Just(Vec::new()), 1 => prop::collection::vec(walk(), 1..3)],
        )
            .prop_map(|((arm, at, day, matured, crossed), values, foreign, traces, walks)| Assignment {
                arm,
                at: Instant::from_micros(at),
                day,
                matured,
                crossed,
                values,
                foreign,
                traces,
                walks,
            });
        (prop::collection::vec(stray, 0..3), proptest::option::of(assignment))
            .prop_map(|(strays, assignment)| Contribution { strays, assignment })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(contribution in contributions()) {
            prop_assert_eq!(decode(&encode(&contribution)), Some(contribution));
        }

        #[test]
        fn bytes_that_can_be_read_are_what_would_be_written(
            mut bytes in prop::collection::vec(0u8..12, 0..80),
            format in prop_oneof![Just(FORMAT), Just(WALKING)],
        ) {
            bytes.insert(0, format);
            if let Some(contribution) = decode(&bytes) {
                prop_assert_eq!(encode(&contribution), bytes);
            }
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..80), cut in 0usize..200) {
            let _ = decode(&bytes);
            for format in [FORMAT, WALKING] {
                let mut bytes = [&[format, 0], &bytes[..]].concat();
                bytes.truncate(cut);
                let _ = decode(&bytes);
            }
        }
    }
}
