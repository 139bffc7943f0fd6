//! Along which touchpoints does a person come to the first conversion, or to none?
//!
//! A touchpoint that repeats the one before is the same; the first ones are told apart, and whether there were more. Exposures,
//! identities and costs are no touchpoints.

use std::sync::Arc;

use journey::{Happening, Path, Selector, Touch, names};

use super::{Mark, Sign, Told, add, label};
use crate::plan::{Sieve, Source};

const TOUCH: u16 = 0;
const CONVERSION: u16 = 1;
/// Between the labels of a key: labels hold no control characters.
const SEPARATOR: char = '\u{1f}';

/// Touchpoints made ready.
#[derive(Debug, Clone)]
pub(super) struct Touches {
    /// `None`: the event's name.
    by: Option<Source>,
    conversion: Sieve,
    depth: usize,
}

impl Touches {
    pub(super) fn new(by: &Touch, conversion: &Selector, depth: u8, paths: &mut Vec<Path>) -> Self {
        let by = match by {
            Touch::Event => None,
            Touch::Path(path) => Some(Source::of(path, paths)),
        };
        Self { by, conversion: Sieve::new(conversion, paths), depth: depth.into() }
    }

    pub(super) fn sign(&self, event: &Happening) -> Option<Sign> {
        if self.conversion.takes(event) {
            return Some((CONVERSION, "".into(), 0));
        }
        if !names::is_touchpoint(&event.name) {
            return None;
        }
        let text = match self.by {
            None => event.name.clone(),
            Some(source) => source.value(event)?,
        };
        Some((TOUCH, label(&text), 0))
    }

    pub(super) fn is_news(&self, marks: &[Mark], (tag, label, _): &Sign) -> bool {
        match marks.last() {
            Some(last) if last.tag == CONVERSION => false,
            Some(last) if *tag == TOUCH => marks.len() <= self.depth && last.label != *label,
            _ => true,
        }
    }
}

/// A path, as it stands in a key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PathKey {
    /// Whether it led to a conversion.
    pub converted: bool,
    /// Whether there were more touchpoints than are told.
    pub more: bool,
    /// The touchpoints, in order.
    pub touches: Vec<Arc<str>>,
}

impl PathKey {
    fn text(&self) -> Arc<str> {
        let mut text = String::new();
        text.push(if self.converted { 'c' } else { 'd' });
        text.push(if self.more { '+' } else { '=' });
        for (at, touch) in self.touches.iter().enumerate() {
            if at > 0 {
                text.push(SEPARATOR);
            }
            text.push_str(touch);
        }
        text.into()
    }
}

/// The path that a key stands for; `None` where it is none.
#[must_use]
pub fn path_of(key: &str) -> Option<PathKey> {
    let mut rest = key.chars();
    let converted = match rest.next()? {
        'c' => true,
        'd' => false,
        _ => return None,
    };
    let more = rest.next()? == '+';
    let touches = rest.as_str();
    let touches = if touches.is_empty() { Vec::new() } else { touches.split(SEPARATOR).map(Arc::from).collect() };
    Some(PathKey { converted, more, touches })
}

/// Who did nothing has no path, and no key.
pub(super) fn tell(depth: usize, marks: &[Mark], told: &mut Told) {
    if marks.is_empty() {
        return;
    }
    let converted = marks.last().is_some_and(|last| last.tag == CONVERSION);
    let touches: Vec<Arc<str>> = marks.iter().filter(|mark| mark.tag == TOUCH).map(|mark| mark.label.clone()).collect();
    let more = touches.len() > depth;
    let touches = touches.into_iter().take(depth).collect();
    add(told, PathKey { converted, more, touches }.text(), [1]);
}
