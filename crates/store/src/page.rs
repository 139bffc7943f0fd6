//! Pages of lists that are walked by key.

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items, in the order of their keys.
    pub items: Vec<T>,
    /// The key of the last item, if there are more after it: give it as `after` to go on.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// Makes a page of at most `limit` of these items, of which one more was asked for than may be given.
    pub(crate) fn of(mut items: Vec<T>, limit: usize, key: impl Fn(&T) -> String) -> Self {
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more { items.last().map(key) } else { None };
        Self { items, next }
    }
}

/// The most items of a page.
const MAX_PAGE: usize = 1_000;

/// The limit as it is granted, and the number of rows to ask for: one more, to know whether there are more.
pub(crate) fn bounds(limit: usize) -> (usize, i64) {
    let limit = limit.clamp(1, MAX_PAGE);
    (limit, i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_names_its_last_key_only_when_there_are_more() {
        let page = |items: Vec<i32>, limit| Page::of(items, limit, ToString::to_string);
        assert_eq!(page(vec![1, 2, 3], 2), Page { items: vec![1, 2], next: Some("2".into()) });
        assert_eq!(page(vec![1, 2], 2), Page { items: vec![1, 2], next: None });
        assert_eq!(bounds(0), (1, 2));
        assert_eq!(bounds(5_000), (1_000, 1_001));
    }
}
