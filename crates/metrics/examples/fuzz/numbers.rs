//! Is every number of an answer finite?

use metrics::inference::Bounds;
use metrics::report::{Kpi, Question, Value, Versus, persons_to_settle, steps};

/// Counts the numbers of an answer, or names the first that is not finite.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn all(&mut self, what: &str, numbers: impl IntoIterator<Item = f64>) -> Result<(), String> {
        for number in numbers {
            self.0 += 1;
            if !number.is_finite() {
                return Err(format!("{what} is {number}"));
            }
        }
        Ok(())
    }

    pub(crate) fn value(&mut self, what: &str, value: &Value) -> Result<(), String> {
        let ends = value.interval.ok().map(|ends| [ends.low, ends.high]);
        self.all(what, value.value.into_iter().chain(ends.into_iter().flatten()))
    }

    fn bounds(&mut self, what: &str, bounds: &Bounds) -> Result<(), String> {
        self.all(what, [bounds.low, bounds.high].into_iter().flatten())
    }

    fn versus(&mut self, versus: &Versus) -> Result<(), String> {
        self.value("the difference", &versus.difference)?;
        self.value("the lift", &versus.lift)?;
        self.bounds("a bound of the lift", &versus.lift_bounds)?;
        for (what, number) in [
            ("the p-value", versus.p_value),
            ("the adjusted p-value", versus.p_value_adjusted),
            ("the e-value", versus.log_e_value),
            ("the chance to beat", versus.chance_to_beat),
            ("the expected loss", versus.expected_loss),
            ("the lift's standard error", versus.lift_standard_error),
            ("the expected contributors", Ok(versus.expected_contributors)),
            ("the impact score", versus.impact_score()),
        ] {
            self.all(what, number)?;
        }
        if let Some(adjusted) = &versus.adjusted {
            self.bounds("an adjusted bound of the difference", &adjusted.difference)?;
            self.bounds("an adjusted bound of the lift", &adjusted.lift)?;
        }
        if let Some(Ok(margin)) = versus.guardrail.map(|guardrail| guardrail.margin) {
            self.all("the margin", [margin.value, margin.low, margin.high, margin.p_safe, margin.p_harmed])?;
        }
        if let Some(cuped) = versus.cuped {
            self.all("CUPED", std::iter::once(cuped.theta).chain(cuped.variance_saved))?;
        }
        Ok(())
    }

    pub(crate) fn kpi(&mut self, question: &Question<'_>, kpi: &Kpi) -> Result<(), String> {
        self.value("the KPI", &kpi.value)?;
        let Some(versus) = &kpi.versus else { return Ok(()) };
        self.versus(versus)?;
        if let Some(steps) = steps(question, versus) {
            for formula in std::iter::once(&steps.used).chain(&steps.reference) {
                self.all("a step", formula.numbers.iter().map(|(_, number)| *number))?;
            }
        }
        if let Ok(gap) = versus.judged_gap {
            self.all("the persons to settle", persons_to_settle(question, &gap).ok().flatten())?;
        }
        Ok(())
    }
}
