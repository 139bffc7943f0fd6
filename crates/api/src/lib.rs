//! The HTTP contract.

mod collect;
mod fields;
mod json;
