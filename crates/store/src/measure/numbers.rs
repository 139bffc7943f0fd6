//! Arrays of exact numbers as the texts that Postgres reads and writes: `{1,-2,0}`.

use std::fmt::{Display, Write};
use std::str::FromStr;

/// The array as text, without the zeros at its end: whoever reads it takes missing numbers for 0.
pub(super) fn to_text<T: Display + Default + PartialEq>(numbers: &[T]) -> String {
    let zero = T::default();
    let kept = numbers.iter().rposition(|number| *number != zero).map_or(0, |last| last + 1);
    let numbers = &numbers[..kept];
    let mut text = String::with_capacity(2 + numbers.len() * 2);
    text.push('{');
    for (at, number) in numbers.iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        // Writing to a String can't fail.
        let _ = write!(text, "{number}");
    }
    text.push('}');
    text
}

/// Reads the text of an array without nulls.
pub(super) fn from_text<T: FromStr>(text: &str) -> Option<Vec<T>> {
    let inner = text.strip_prefix('{')?.strip_suffix('}')?;
    if inner.is_empty() {
        return Some(Vec::new());
    }
    inner.split(',').map(|number| number.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ethnum::I256;

    #[test]
    fn numbers_of_any_size_survive() {
        let numbers = [I256::ZERO, I256::from(-7), I256::from(i128::MAX) * I256::from(i128::MAX)];
        assert_eq!(from_text::<I256>(&to_text(&numbers)), Some(numbers.to_vec()));
        assert_eq!(to_text(&[0, 5, 0, 0]), "{0,5}");
        assert_eq!(from_text::<I256>("{}"), Some(vec![]));
        assert_eq!(from_text::<I256>("{1,NULL}"), None);
    }
}
