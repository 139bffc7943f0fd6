//! Who has bought how often? The cells of customers that a CLV keeps, as of a day, ready for models of what is to come.
//!
//! A tally counts persons by the day of their first purchase, later days with a purchase, days from the first to the last,
//! and what they spent after the first day. As of the end of a day D a person's age is D less the day of the first purchase:
//! time passing is a read, and no event is read again.

use journey::{Day, Definition};

use crate::clv::{Cells, Customer};
use crate::tally::{Row, RowKey};

/// The cells of each arm as of the end of `through`, in days, from the rows of the customers.
#[must_use]
pub fn read<'a>(
    definition: &Definition,
    metric: usize,
    customers: impl IntoIterator<Item = (&'a RowKey, &'a Row)>,
    through: Day,
) -> Vec<Cells> {
    let mut arms = vec![Cells::default(); definition.experiment.arms.len()];
    let wanted = metric.to_string();
    for (key, row) in customers {
        let arm = usize::try_from(key.arm).ok().and_then(|arm| arms.get_mut(arm));
        let (Some(arm), Some(detail)) = (arm, &row.all.detail) else { continue };
        if *key.value != *wanted || key.day > through {
            continue;
        }
        for (key, customers) in &detail.customers {
            let age = u32::try_from(through.number().saturating_sub(key.origin)).unwrap_or(0);
            let customer = Customer { frequency: key.frequency, recency: key.recency, age };
            arm.add_bucket(customer, key.bucket, customers.n, customers.spend);
        }
    }
    arms
}
