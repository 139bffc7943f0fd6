//! The detail of a row as bytes: three lists (four in a row of a lens, five in one with lives), each the number of its entries and
//! then key and sums of each in order.

use ethnum::I256;

use super::Slots;
use super::codec::{list, put_list};
use super::detail::{
    Bucket, BucketKey, CustomerKey, Customers, Detail, Life, LifeBy, LifeKey, Series, SightKey, SpanKey,
};
use crate::varint::{get, put, put_len, put_signed, put_wide, signed, wide};

/// Which lists there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lists {
    /// Buckets, spans, customers.
    Three,
    /// And sights.
    WithSights,
    /// And lives.
    WithLives,
}

pub(super) fn put_detail(out: &mut Vec<u8>, detail: Option<&Detail>, lists: Lists) {
    let nothing = Detail::default();
    let Detail { buckets, spans, customers, lives, sights } = detail.unwrap_or(&nothing);
    put_len(out, buckets.len());
    for (key, bucket) in buckets {
        put(out, u128::from(key.metric) * 2 + u128::from(key.matured));
        put_signed(out, i128::from(key.bucket));
        let Bucket { n, y, yy, yyy, x, xy } = *bucket;
        put_list(out, &[I256::from(n), y, yy, yyy, x, xy].into_iter().collect());
    }
    put_len(out, spans.len());
    for (key, persons) in spans {
        out.push(key.series as u8);
        put_signed(out, i128::from(key.origin));
        put(out, u128::from(key.days));
        put_signed(out, i128::from(*persons));
    }
    put_len(out, customers.len());
    for (key, customers) in customers {
        put_signed(out, i128::from(key.origin));
        put(out, u128::from(key.frequency));
        put(out, u128::from(key.recency));
        put_signed(out, i128::from(key.bucket));
        put_signed(out, i128::from(customers.n));
        put_wide(out, customers.spend);
    }
    if lists == Lists::Three {
        return;
    }
    put_len(out, sights.len());
    for (SightKey { matured, key }, sums) in sights {
        out.push(u8::from(*matured));
        put_len(out, key.len());
        out.extend_from_slice(key.as_bytes());
        put_list(out, sums);
    }
    if lists == Lists::WithSights {
        return;
    }
    put_len(out, lives.len());
    for (key, life) in lives {
        let (by, number) = match key.by {
            LifeBy::Closed(days) => (0, i128::from(days)),
            LifeBy::Last(day) => (1, i128::from(day)),
            LifeBy::Exposed(day) => (2, i128::from(day)),
        };
        put(out, (u128::from(key.metric) * 2 + u128::from(key.matured)) * 3 + by);
        put_signed(out, number);
        let Life { n, y, d, t, e, ee, ye, te } = *life;
        put_list(out, &[I256::from(n), y, d, t, e, ee, ye, te].into_iter().collect());
    }
}

/// `None` in the outer option where the bytes are no detail.
#[expect(clippy::option_option, reason = "the outer one says whether the bytes can be read, the inner one is read")]
pub(super) fn detail(from: &mut &[u8], lists: Lists) -> Option<Option<Box<Detail>>> {
    let mut detail = Detail::default();
    for _ in 0..len(from)? {
        let number = get(from)?;
        let key = BucketKey {
            metric: u16::try_from(number / 2).ok()?,
            matured: number % 2 == 1,
            bucket: signed(from)?.try_into().ok()?,
        };
        let [n, y, yy, yyy, x, xy] = held(&list(from)?)?;
        let bucket = Bucket { n: i64::try_from(n).ok()?, y, yy, yyy, x, xy };
        detail.buckets.insert(key, bucket);
    }
    for _ in 0..len(from)? {
        let (number, rest) = from.split_first()?;
        *from = rest;
        let key = SpanKey {
            series: *Series::ALL.get(usize::from(*number))?,
            origin: signed(from)?.try_into().ok()?,
            days: get(from)?.try_into().ok()?,
        };
        detail.spans.insert(key, signed(from)?.try_into().ok()?);
    }
    for _ in 0..len(from)? {
        let key = CustomerKey {
            origin: signed(from)?.try_into().ok()?,
            frequency: get(from)?.try_into().ok()?,
            recency: get(from)?.try_into().ok()?,
            bucket: signed(from)?.try_into().ok()?,
        };
        let customers = Customers { n: signed(from)?.try_into().ok()?, spend: wide(from)? };
        detail.customers.insert(key, customers);
    }
    let sights = if lists >= Lists::WithSights { len(from)? } else { 0 };
    for _ in 0..sights {
        let (matured, rest) = from.split_first()?;
        *from = rest;
        let length = len(from)?;
        let (key, rest) = from.split_at_checked(length)?;
        *from = rest;
        let key = SightKey { matured: *matured != 0, key: std::str::from_utf8(key).ok()?.into() };
        detail.sights.insert(key, list(from)?);
    }
    let lives = if lists >= Lists::WithLives { len(from)? } else { 0 };
    for _ in 0..lives {
        let number = get(from)?;
        let day = signed(from)?;
        let by = match number % 3 {
            0 => LifeBy::Closed(day.try_into().ok()?),
            1 => LifeBy::Last(day.try_into().ok()?),
            _ => LifeBy::Exposed(day.try_into().ok()?),
        };
        let key = LifeKey { metric: u16::try_from(number / 6).ok()?, matured: number / 3 % 2 == 1, by };
        let [n, y, d, t, e, ee, ye, te] = held(&list(from)?)?;
        detail.lives.insert(key, Life { n: i64::try_from(n).ok()?, y, d, t, e, ee, ye, te });
    }
    Some((!detail.is_empty()).then(|| Box::new(detail)))
}

/// The sums of an entry that has so many; `None` where there are more.
fn held<const N: usize>(sums: &Slots) -> Option<[I256; N]> {
    let mut held = [I256::ZERO; N];
    for (at, sum) in sums.iter() {
        *held.get_mut(at)? = sum;
    }
    Some(held)
}

fn len(from: &mut &[u8]) -> Option<usize> {
    // Every entry takes at least a byte, so a length beyond what is left is a lie.
    usize::try_from(get(from)?).ok().filter(|len| *len <= from.len())
}
