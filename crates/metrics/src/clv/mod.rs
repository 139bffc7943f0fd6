//! What are the persons of an arm still going to buy? Customer-base models for purchases that are not contracts.
//!
//! Three questions of a person who has bought `x` times again, the last time at `t_x`, of `T` under observation: are
//! they still a customer, how many purchases will follow, and what will each be worth?
//!
//! - **BG/NBD** ([`BgNbd`]; Fader, Hardie, Lee, Marketing Science 2005) answers the first two. While a customer,
//!   a person buys at a constant rate; rates differ between persons like a gamma distribution (`r`, `alpha`). After
//!   each purchase a person leaves with a probability that differs between persons like a beta distribution (`a`, `b`).
//! - **Gamma-Gamma** ([`GammaGamma`]; Fader and Hardie 2013) answers the third: a person's purchases vary around a
//!   mean of their own like a gamma distribution (`p`), the scale of which varies between persons like another (`q`,
//!   `v`); independent of how often they buy.
//! - **CLV** ([`Value`]): expected purchases, times expected value, step by step, discounted.
//!
//! The input is a tally ([`Cells`]): how many persons share frequency, recency, age, and the bucket of what they
//! spent. A fit never reads an event again. [`compare()`] gives the lift between two arms, its uncertainty by a
//! seeded bootstrap over the cells.
//!
//! Conditions: times begin at a person's *first purchase*; purchases of one day count as one; the models are
//! descriptions, so a lift of predicted CLV is as good as the models are, is not valid at repeated looks, and says
//! nothing causal where the first purchase comes after the exposure (who buys first may differ by arm). Where the data
//! cannot tell the parameters there is a [`Refusal`] with the reason.

mod bg_nbd;
mod bootstrap;
mod cells;
mod gamma_gamma;
mod refusal;
#[cfg(test)]
mod tests;
mod value;

pub use bg_nbd::{BgNbd, FittedPurchases};
pub use bootstrap::{Compared, FEWEST_REPETITIONS, Gain, Predicted, Resampled, Spread, compare, resample};
pub use cells::{Cells, Customer};
pub use gamma_gamma::{FittedSpend, GammaGamma};
pub use refusal::Refusal;
pub use value::{Horizon, Totals, Value};
