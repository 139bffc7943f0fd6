//! The words that experiments are defined in.

use crate::channel::words;

words! {
    /// The kind of personalisation.
    Tactic {
        /// First steps.
        Onboarding = "onboarding",
        /// Texts and pictures.
        Content = "content",
        /// Recommended items.
        Recommendation = "recommendation",
        /// Offers and coupons.
        Offer = "offer",
        /// Prices.
        Pricing = "pricing",
        /// The channel that is used.
        Channel = "channel",
        /// Customer support.
        Support = "support",
        /// By behaviour.
        Behavioral = "behavioral",
        /// By context.
        Contextual = "contextual",
        /// By prediction.
        Predictive = "predictive",
    }
}

words! {
    /// What happens to a person exposed to a second arm.
    CrossoverPolicy {
        /// Everything keeps counting for the first arm (intention to treat).
        First = "first",
        /// The person is taken away from the day of the second exposure on (a sensitivity reading).
        Exclude = "exclude",
    }
}

words! {
    /// How lifts are tested.
    Method {
        /// By confidence sequences, which hold however often they are read.
        Sequential = "sequential",
        /// At a fixed horizon: one reading, at a time that was fixed beforehand.
        Frequentist = "frequentist",
        /// By posterior distributions, which describe one reading.
        Bayesian = "bayesian",
    }
}

words! {
    /// What a metric is for in an experiment.
    Role {
        /// It decides.
        Primary = "primary",
        /// It explains.
        Secondary = "secondary",
        /// It must not be harmed.
        Guardrail = "guardrail",
    }
}
