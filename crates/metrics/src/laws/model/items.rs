//! What a lens of items shows of one person, from the events themselves.

use ethnum::I256;
use journey::{Fact, Items};

use super::lens::Counts;
use super::{BOUND, Model};
use crate::laws::histories::Deed;

impl Model<'_> {
    pub(super) fn items(&self, items: &Items, deeds: &[&Deed], exposure: &Deed) -> Counts {
        let experiment = &self.definition.experiment;
        let exposes = |deed: &Deed| {
            let (key, arm) = deed.exposure.unwrap_or_default();
            key == experiment.key.as_str()
                && experiment.arms.iter().any(|known| known.key.as_str() == arm)
                && experiment.starts_at.is_none_or(|start| deed.at >= start)
                && experiment.ends_at.is_none_or(|stop| deed.at < stop)
        };
        let shows = |deed: &Deed| match &items.shown {
            Some(shown) => self.selects(shown, deed),
            None => exposes(deed),
        };
        let text = |deed: &Deed, path: &str| match deed.fact(path) {
            Fact::One(text) if !text.is_empty() => Some(text.chars().take(100).collect::<String>()),
            _ => None,
        };
        let shown: Vec<(usize, String)> = deeds
            .iter()
            .enumerate()
            .filter(|(_, deed)| shows(deed))
            .filter_map(|(at, deed)| Some((at, text(deed, items.by.as_str())?)))
            .collect();
        // What is neither a showing nor an exposure.
        let others = |from: usize| deeds[from..].iter().filter(|deed| !shows(deed) && !exposes(deed));
        let outcome = |from: usize, v: i64| {
            let (mut c, mut y, mut foreign) = (0, 0i128, 0);
            for deed in others(from) {
                if self.selects(&items.conversion, deed) {
                    c = 1;
                }
                let value = self.value(&items.conversion, deed);
                if value != 0 && deed.foreign {
                    foreign = 1;
                } else {
                    y += value;
                }
            }
            let left_out = y.abs() > BOUND;
            let (y, v) = if left_out { (0, 0) } else { (y, v) };
            let [c, y, v] = [I256::from(c), I256::from(y), I256::from(v)];
            let one = |flag: bool| I256::from(i64::from(flag));
            let plain = [I256::ONE, c, one(left_out), y, y.pow(2), y.pow(3), I256::from(foreign), one(v != I256::ZERO)];
            let weighted = [v, v.pow(2), v * c, v.pow(2) * c, v * y, v * y.pow(2), v.pow(2) * y, (v * y).pow(2)];
            [plain, weighted].concat()
        };
        let mut sums = Counts::new();
        if let Some((at, item)) = shown.first() {
            let v = match text(deeds[*at], items.weight.as_str()).as_deref() {
                Some("0.5") => 2_000_000,
                Some("0.25") => 4_000_000,
                Some("1") => 1_000_000,
                Some("0.3333333333333333") => 3_000_000,
                _ => 0,
            };
            if deeds[*at].at == exposure.at {
                sums.insert(format!("i{item}"), outcome(0, v));
            } else {
                sums.insert(format!("l{item}"), outcome(*at, v));
            }
        }
        let would = deeds
            .iter()
            .filter(|deed| deed.at == exposure.at && exposes(deed))
            .find_map(|deed| text(deed, items.would_have.as_str()));
        if let Some(item) = would {
            sums.insert(format!("w{item}"), outcome(0, 0));
        }
        for (at, item) in &shown {
            let first = shown.iter().find(|(_, other)| other == item).map_or(*at, |(at, _)| *at);
            let accepts = |deed: &&Deed| {
                items.accepted.iter().any(|selector| self.selects(selector, deed))
                    && items.product.iter().any(|path| match deed.fact(path.as_str()) {
                        Fact::None => false,
                        Fact::One(text) => text.chars().take(100).eq(item.chars()),
                        Fact::Many(texts) => texts.iter().any(|text| text.chars().take(100).eq(item.chars())),
                    })
            };
            let accepted = others(first).any(accepts);
            sums.insert(format!("e{item}"), vec![I256::ONE, I256::from(i64::from(accepted))]);
        }
        sums
    }
}
