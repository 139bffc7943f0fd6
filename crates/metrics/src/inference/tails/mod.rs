//! How probable is something at least as extreme? Tails of the normal, Student's and the chi-square distribution, and
//! their inverses.
//!
//! Everything is a *survival* function: a tail is integrated, never taken as one minus the rest, so a p-value of
//! 1e-112 is printed as that. Relative errors are below 1e-12 down to the smallest doubles; the tests compare with
//! 40-digit arithmetic.

mod chi_square;
pub(crate) mod gamma;
mod integral;
mod normal;
mod student;
#[cfg(test)]
mod tests;

pub use chi_square::chi_square_sf;
pub(crate) use integral::legendre;
pub use normal::{normal_isf, normal_sf, scaled_normal_sf};
pub(crate) use student::student_isf_near;
pub use student::{student_isf, student_sf, student_two_sided};
