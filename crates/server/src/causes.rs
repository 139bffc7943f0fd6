//! An error in one line: what failed, and why.

use std::error::Error;

/// The error and its causes, each said once: many libraries repeat their cause in their own message.
pub(crate) fn causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let more = cause.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_that_was_said_is_not_said_again() {
        let error = anyhow::anyhow!("no space").context("disk: no space").context("the write failed");
        assert_eq!(causes(error.as_ref()), "the write failed: disk: no space");
    }
}
