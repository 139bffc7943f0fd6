//! Rows of a tally as bytes: short, because every change of a row writes it anew and every answer reads many.
//!
//! A format number, then six lists: counts, live and matured sums, of all and of what crossovers take away. A list is
//! its length without the zeros at its end, then its numbers; a run of zeros is a zero and how many more follow. A row with
//! detail has another format number, and the two details at the end; so has a row of a lens, and one with lives.

use ethnum::I256;

use super::detail_codec::{Lists, detail, put_detail};
use super::{COUNTS, Row, Slots, Sums};
use crate::varint::{get, put_len, put_wide, wide};

/// What rows are written as.
const FORMAT: u8 = 1;
/// What rows with detail are written as.
const DETAILED: u8 = 2;
/// What rows of lenses are written as.
const SIGHTED: u8 = 3;
/// What rows with lives are written as.
const LIVED: u8 = 4;
/// The texts of six arrays, `{1,2}`, separated by bars: how the first databases kept rows.
const TEXTS: u8 = 0;

pub(super) fn encode(row: &Row) -> Vec<u8> {
    let mut out = Vec::with_capacity(64);
    let is_detailed = row.all.detail.is_some() || row.crossed.detail.is_some();
    let details = || [&row.all, &row.crossed].into_iter().filter_map(|sums| sums.detail.as_deref());
    let lists = if details().any(|detail| !detail.lives.is_empty()) {
        Lists::WithLives
    } else if details().any(|detail| !detail.sights.is_empty()) {
        Lists::WithSights
    } else {
        Lists::Three
    };
    out.push(match lists {
        Lists::WithLives => LIVED,
        Lists::WithSights => SIGHTED,
        Lists::Three if is_detailed => DETAILED,
        Lists::Three => FORMAT,
    });
    for sums in [&row.all, &row.crossed] {
        put_list(&mut out, &sums.counts.iter().map(|count| I256::from(*count)).collect());
        put_list(&mut out, &sums.live);
        put_list(&mut out, &sums.matured);
    }
    if is_detailed {
        for sums in [&row.all, &row.crossed] {
            put_detail(&mut out, sums.detail.as_deref(), lists);
        }
    }
    out
}

pub(super) fn decode(bytes: &[u8]) -> Option<Row> {
    match bytes.split_first()? {
        (&FORMAT, rest) => {
            let mut from = rest;
            let row = Row { all: sums(&mut from)?, crossed: sums(&mut from)? };
            from.is_empty().then_some(row)
        }
        (format @ (&DETAILED | &SIGHTED | &LIVED), rest) => {
            let mut from = rest;
            let mut row = Row { all: sums(&mut from)?, crossed: sums(&mut from)? };
            let lists = match *format {
                LIVED => Lists::WithLives,
                SIGHTED => Lists::WithSights,
                _ => Lists::Three,
            };
            (row.all.detail, row.crossed.detail) = (detail(&mut from, lists)?, detail(&mut from, lists)?);
            from.is_empty().then_some(row)
        }
        (&TEXTS, text) => of_texts(std::str::from_utf8(text).ok()?),
        _ => None,
    }
}

pub(super) fn put_list(out: &mut Vec<u8>, slots: &Slots) {
    put_len(out, slots.len());
    let mut next = 0;
    for (slot, sum) in slots.iter() {
        if slot > next {
            out.push(0);
            put_len(out, slot - next - 1);
        }
        put_wide(out, sum);
        next = slot + 1;
    }
}

fn sums(from: &mut &[u8]) -> Option<Sums> {
    let counts = list(from)?;
    Some(Sums { counts: counts_of(&counts)?, live: list(from)?, matured: list(from)?, detail: None })
}

fn counts_of(numbers: &Slots) -> Option<[i64; COUNTS]> {
    let mut counts = [0; COUNTS];
    for (count, number) in numbers.iter() {
        *counts.get_mut(count)? = i64::try_from(number).ok()?;
    }
    Some(counts)
}

/// More numbers than any row has: fifty metrics of seventeen sums fit with room to spare.
const MOST: usize = u16::MAX as usize;

pub(super) fn list(from: &mut &[u8]) -> Option<Slots> {
    let len = usize::try_from(get(from)?).ok().filter(|len| *len <= MOST)?;
    let mut slots = Slots::default();
    let mut next = 0;
    while next < len {
        let number = wide(from)?;
        let more = if number == I256::ZERO { usize::try_from(get(from)?).ok()? } else { 0 };
        if more > len - next - 1 {
            return None;
        }
        slots.push(next, number);
        next += 1 + more;
    }
    Some(slots)
}

fn of_texts(text: &str) -> Option<Row> {
    let mut arrays = text.split('|').map(|array| -> Option<Slots> {
        let inner = array.strip_prefix('{')?.strip_suffix('}')?;
        inner.split(',').filter(|number| !number.is_empty()).map(|number| number.parse().ok()).collect()
    });
    let mut next = || arrays.next()?;
    let mut sums = || Some(Sums { counts: counts_of(&next()?)?, live: next()?, matured: next()?, detail: None });
    let row = Row { all: sums()?, crossed: sums()? };
    arrays.next().is_none().then_some(row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tally::detail::{
        Bucket, BucketKey, CustomerKey, Customers, Detail, Life, LifeBy, LifeKey, Series, SightKey, SpanKey,
    };
    use proptest::prelude::*;

    fn number() -> impl Strategy<Value = I256> {
        prop_oneof![
            3 => Just(I256::ZERO),
            2 => any::<i64>().prop_map(I256::from),
            1 => (any::<i128>(), any::<i128>()).prop_map(|(high, low)| I256::from_words(high, low)),
        ]
    }

    fn sums() -> impl Strategy<Value = Sums> {
        let list = || prop::collection::vec(number(), 0..40);
        (any::<[i64; COUNTS]>(), list(), list()).prop_map(|(counts, live, matured)| Sums {
            counts,
            live: live.into_iter().collect(),
            matured: matured.into_iter().collect(),
            detail: None,
        })
    }

    fn details() -> impl Strategy<Value = Option<Box<Detail>>> {
        let bucket = (0u16..3, any::<bool>(), any::<i16>(), any::<i64>(), [(); 5].map(|()| number())).prop_map(
            |(metric, matured, bucket, n, [y, yy, yyy, x, xy])| {
                (BucketKey { metric, matured, bucket }, Bucket { n, y, yy, yyy, x, xy })
            },
        );
        let span = (0usize..Series::ALL.len(), any::<i32>(), any::<u32>(), any::<i64>()).prop_map(
            |(series, origin, days, persons)| (SpanKey { series: Series::ALL[series], origin, days }, persons),
        );
        let customers = (any::<(i32, u32, u32, i16, i64)>(), number()).prop_map(
            |((origin, frequency, recency, bucket, n), spend)| {
                (CustomerKey { origin, frequency, recency, bucket }, Customers { n, spend })
            },
        );
        let sight =
            (any::<bool>(), "[ab]{0,3}", prop::collection::vec(number(), 1..4)).prop_map(|(matured, key, sums)| {
                (SightKey { matured, key: key.as_str().into() }, sums.into_iter().collect::<Slots>())
            });
        let by = prop_oneof![
            any::<u32>().prop_map(LifeBy::Closed),
            any::<i32>().prop_map(LifeBy::Last),
            any::<i32>().prop_map(LifeBy::Exposed),
        ];
        let life = (any::<(u16, bool, i64)>(), by, [(); 7].map(|()| number())).prop_map(
            |((metric, matured, n), by, [y, d, t, e, ee, ye, te])| {
                (LifeKey { metric, matured, by }, Life { n, y, d, t, e, ee, ye, te })
            },
        );
        let some = 0..6usize;
        (
            prop::collection::vec(bucket, some.clone()),
            prop::collection::vec(span, some.clone()),
            prop::collection::vec(customers, some),
            prop_oneof![2 => Just(Vec::new()), 1 => prop::collection::vec(life, 1..4)],
            prop_oneof![2 => Just(Vec::new()), 1 => prop::collection::vec(sight, 1..4)],
        )
            .prop_map(|(buckets, spans, customers, lives, sights)| {
                let detail = Detail {
                    buckets: buckets.into_iter().collect(),
                    spans: spans.into_iter().collect(),
                    customers: customers.into_iter().collect(),
                    lives: lives.into_iter().collect(),
                    sights: sights.into_iter().filter(|(_, sums): &(_, Slots)| !sums.is_zero()).collect(),
                };
                (!detail.is_empty()).then(|| Box::new(detail))
            })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(all in sums(), crossed in sums()) {
            let row = Row { all, crossed };
            prop_assert_eq!(decode(&encode(&row)), Some(row));
        }

        #[test]
        fn detail_is_read_too(all in sums(), crossed in sums(), of_all in details(), of_crossed in details()) {
            let mut row = Row { all, crossed };
            let plain = encode(&row);
            (row.all.detail, row.crossed.detail) = (of_all, of_crossed);
            let bytes = encode(&row);
            // A row without detail is written as ever.
            let is_plain = row.all.detail.is_none() && row.crossed.detail.is_none();
            prop_assert_eq!(is_plain, bytes == plain);
            prop_assert_eq!(decode(&bytes), Some(row));
        }

        #[test]
        fn the_first_format_is_still_read(all in sums(), crossed in sums()) {
            let array = |numbers: Vec<String>| format!("{{{}}}", numbers.join(","));
            let numbers = |slots: &Slots| {
                let mut numbers = vec!["0".to_owned(); slots.len()];
                slots.iter().for_each(|(slot, sum)| numbers[slot] = sum.to_string());
                numbers
            };
            let text = |sums: &Sums| [
                array(sums.counts.iter().map(ToString::to_string).collect()),
                array(numbers(&sums.live)),
                array(numbers(&sums.matured)),
            ].join("|");
            let row = Row { all, crossed };
            let bytes = [&[TEXTS][..], text(&row.all).as_bytes(), b"|", text(&row.crossed).as_bytes()].concat();
            prop_assert_eq!(decode(&bytes), Some(row));
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..80), small in prop::collection::vec(0u8..4, 0..40)) {
            for format in [TEXTS, FORMAT, DETAILED, SIGHTED, LIVED] {
                let _ = decode(&[&[format], &bytes[..]].concat());
                let _ = decode(&[&[format], &small[..]].concat());
            }
        }
    }
}
