//! What the persons with one item amount to.

use ethnum::I256;
use journey::UNIT;

use crate::lens::{ItemSlot, Sights};
use crate::moments::Moments;

/// The sums over persons of [`ItemSlot`], with its units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ItemSums {
    /// Persons.
    pub persons: i64,
    /// Those who converted.
    pub converted: i64,
    /// Those whose value is beyond the bound of all sums.
    pub left_out: i64,
    /// Σy
    pub y: I256,
    /// Σy²
    pub yy: I256,
    /// Σy³
    pub yyy: I256,
    /// Persons with values in another currency.
    pub foreign: i64,
    /// Persons whose item came with a probability.
    pub weighed: i64,
    /// Σv
    pub v: I256,
    /// Σv²
    pub vv: I256,
    /// Σvc
    pub vc: I256,
    /// Σv²c
    pub vvc: I256,
    /// Σvy
    pub vy: I256,
    /// Σvy²
    pub vyy: I256,
    /// Σv²y
    pub vvy: I256,
    /// Σv²y²
    pub vvyy: I256,
}

impl ItemSums {
    /// The sums of a key.
    pub(super) fn of(sights: &Sights, key: &str) -> Self {
        let sum = |slot: ItemSlot| sights.sum(key, slot as usize);
        let whole = |slot: ItemSlot| i64::try_from(sum(slot)).unwrap_or(i64::MAX);
        Self {
            persons: whole(ItemSlot::Persons),
            converted: whole(ItemSlot::Converted),
            left_out: whole(ItemSlot::LeftOut),
            y: sum(ItemSlot::Y),
            yy: sum(ItemSlot::Yy),
            yyy: sum(ItemSlot::Yyy),
            foreign: whole(ItemSlot::Foreign),
            weighed: whole(ItemSlot::Weighed),
            v: sum(ItemSlot::V),
            vv: sum(ItemSlot::Vv),
            vc: sum(ItemSlot::Vc),
            vvc: sum(ItemSlot::Vvc),
            vy: sum(ItemSlot::Vy),
            vyy: sum(ItemSlot::Vyy),
            vvy: sum(ItemSlot::Vvy),
            vvyy: sum(ItemSlot::Vvyy),
        }
    }

    pub(super) fn add(&mut self, more: &Self) {
        self.persons += more.persons;
        self.converted += more.converted;
        self.left_out += more.left_out;
        self.y += more.y;
        self.yy += more.yy;
        self.yyy += more.yyy;
        self.foreign += more.foreign;
        self.weighed += more.weighed;
        self.v += more.v;
        self.vv += more.vv;
        self.vc += more.vc;
        self.vvc += more.vvc;
        self.vy += more.vy;
        self.vyy += more.vyy;
        self.vvy += more.vvy;
        self.vvyy += more.vvyy;
    }

    /// Persons whose value counts.
    pub(super) fn valued(&self) -> i64 {
        self.persons - self.left_out
    }

    /// As those of a conversion.
    pub(super) fn conversions(&self) -> Moments {
        let unit = I256::from(UNIT);
        let y = I256::from(self.converted) * unit;
        Moments { n: self.persons, y, yy: y * unit, yyy: y * unit * unit, ..Moments::default() }
    }

    /// As those of a sum.
    pub(super) fn values(&self) -> Moments {
        Moments {
            n: self.valued(),
            left_out: self.left_out,
            y: self.y,
            yy: self.yy,
            yyy: self.yyy,
            ..Moments::default()
        }
    }
}
