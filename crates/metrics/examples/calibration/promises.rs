//! What was promised, and does it hold?

/// One promise over many cells: what is worst, and where it is broken by more than chance.
#[derive(Debug, Clone)]
pub(crate) struct Promise {
    what: &'static str,
    bound: String,
    cells: usize,
    broken: Vec<String>,
    worst: Option<(f64, f64, String)>,
}

/// How often something happened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Share {
    pub(crate) part: usize,
    pub(crate) whole: usize,
}

impl Share {
    pub(crate) fn of(part: usize, whole: usize) -> Self {
        Self { part, whole }
    }

    pub(crate) fn value(self) -> f64 {
        self.part as f64 / self.whole.max(1) as f64
    }

    /// In per cent.
    pub(crate) fn text(self) -> String {
        if self.whole == 0 { "-".into() } else { format!("{:.2}", 100.0 * self.value()) }
    }

    /// How far above a promise, in the standard errors that a share of that size has.
    pub(crate) fn above(self, promise: f64) -> f64 {
        (self.value() - promise) / (promise * (1.0 - promise) / self.whole.max(1) as f64).sqrt()
    }
}

impl Promise {
    pub(crate) fn new(what: &'static str, bound: impl Into<String>) -> Self {
        Self { what, bound: bound.into(), cells: 0, broken: Vec::new(), worst: None }
    }

    /// A cell in which something happens at most as often as promised, but for chance: three standard errors.
    pub(crate) fn at_most(&mut self, promise: f64, share: Share, place: &str) {
        if share.whole > 0 {
            self.cell(share.above(promise), 3.0, share.value(), place);
        }
    }

    /// A cell in which something happens at least as often as promised, but for chance.
    pub(crate) fn at_least(&mut self, promise: f64, share: Share, place: &str) {
        if share.whole > 0 {
            let misses = Share::of(share.whole - share.part, share.whole);
            self.cell(misses.above(1.0 - promise), 3.0, share.value(), place);
        }
    }

    /// A cell that is `excess` of what is allowed above the promise; broken above `allowed`.
    pub(crate) fn cell(&mut self, excess: f64, allowed: f64, found: f64, place: &str) {
        self.cells += 1;
        if excess > allowed {
            self.broken.push(format!("{place}: {:.2} %", 100.0 * found));
        }
        if self.worst.as_ref().is_none_or(|(worst, ..)| excess > *worst) {
            self.worst = Some((excess, found, place.to_owned()));
        }
    }

    pub(crate) fn holds(&self) -> bool {
        self.broken.is_empty()
    }

    /// A row of the table of promises.
    pub(crate) fn row(&self) -> String {
        let worst =
            self.worst.as_ref().map_or("-".into(), |(_, found, place)| format!("{:.2} % ({place})", 100.0 * found));
        let verdict = if self.cells == 0 {
            "nothing to see".into()
        } else if self.holds() {
            "holds".into()
        } else {
            format!("**misses** in {}", self.broken.len())
        };
        format!("| {} | {} | {} | {worst} | {verdict} |", self.what, self.bound, self.cells)
    }

    /// Where it is broken, a line each.
    pub(crate) fn misses(&self) -> Vec<String> {
        self.broken.iter().map(|broken| format!("- {}, {}: {broken}", self.what, self.bound)).collect()
    }
}
