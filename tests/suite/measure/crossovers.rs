//! Persons exposed to a second arm.

use serde_json::json;
use tests::World;
use tests::events::{check, exposure, order};

use super::{at, date, spend, tally, tenant};

tests::cases![they_count_for_their_first_arm_or_are_taken_away_from_that_day_on];

async fn they_count_for_their_first_arm_or_are_taken_away_from_that_day_on() {
    let world = World::new().await;
    let tenant = tenant(&world, &[("spend", spend())], &json!({"window_days": 14})).await;
    tenant
        .accept(&[
            exposure("1", "crosses", "e", "off", at(0, 8)),
            order("2", "crosses", "10", at(0, 9)),
            exposure("3", "crosses", "e", "on", at(3, 0)),
            order("4", "crosses", "20", at(4, 0)),
            // Shown the same arm again: no crossover.
            exposure("5", "stays", "e", "off", at(0, 0)),
            exposure("6", "stays", "e", "off", at(5, 0)),
            order("7", "stays", "1", at(2, 0)),
        ])
        .await;
    for (day, first, without) in
        [(1, (2, "10"), (2, "10")), (2, (2, "11"), (2, "11")), (3, (2, "11"), (1, "1")), (6, (2, "31"), (1, "1"))]
    {
        let live = |policy: &str| format!("as_of={}&maturity=live&crossovers={policy}", date(day));
        let results = tenant.results("e", &live("first")).await;
        assert_eq!(tally(&results, "spend", "off"), (first.0, first.1.into()), "day {day}");
        let persons = u64::from(day >= 3);
        assert_eq!(check(&results, "crossovers")["persons"], persons, "{results}");
        let excluded = tenant.results("e", &live("exclude")).await;
        assert_eq!(tally(&excluded, "spend", "off"), (without.0, without.1.into()), "day {day} without crossovers");
        assert_eq!(tally(&excluded, "spend", "on").0, 0, "they never count for the second arm");
        assert_eq!(excluded["exploratory"], true, "it is not the experiment's plan");
        assert_eq!(check(&excluded, "crossovers")["persons"], persons, "the check counts them all the same");
    }
    // Matured: the window of the crossover closes on day 14, after it was taken away.
    let matured = |policy: &str| format!("as_of={}&crossovers={policy}", date(20));
    assert_eq!(tally(&tenant.results("e", &matured("first")).await, "spend", "off"), (2, "31".into()));
    assert_eq!(tally(&tenant.results("e", &matured("exclude")).await, "spend", "off"), (1, "1".into()));
}
