//! The sums of one arm as somebody brings them: read exactly, and refused where no persons can have them.

use ethnum::I256;
use journey::{Amount, Fault, Invalid, Json, Name, UNIT};
use metrics::inference::{cubes_are_possible, least_squares, products_are_possible, squares_are_possible};
use metrics::moments::Moments;
use metrics::published::{MOST, PUBLISHED_DECIMALS, Unpublishable, sums_of_published};

use super::Kind;
use crate::fields::Fields;
use crate::json::kind_of;
use crate::wire::decimal::{decimal, parse_decimal};

/// The fields of an arm.
const FIELDS: [&str; 14] = [
    "arm",
    "weight",
    "count",
    "sum",
    "sum_of_squares",
    "sum_of_cubes",
    "denominator_sum",
    "denominator_sum_of_squares",
    "cross_sum",
    "covariate_sum",
    "covariate_sum_of_squares",
    "covariate_cross_sum",
    "mean",
    "variance",
];
const DENOMINATOR: [&str; 3] = ["denominator_sum", "denominator_sum_of_squares", "cross_sum"];
const COVARIATE: [&str; 3] = ["covariate_sum", "covariate_sum_of_squares", "covariate_cross_sum"];
/// The decimals of a sum, of a sum of squares or products, and of a sum of cubes.
const SCALES: [i64; 3] = [6, 12, 18];

/// An arm.
pub(super) struct ArmSums {
    pub(super) key: Name,
    pub(super) weight: Option<Amount>,
    pub(super) sums: Moments,
    pub(super) has_covariate: bool,
}

/// Reads the arm at `place` in the list.
pub(super) fn read(json: Json, place: usize, kind: Kind) -> Result<ArmSums, Invalid> {
    let mut fields = Fields::new(json, &format!("/arms/{place}"))?;
    let key = fields.required_text("arm", "name the arm")?;
    let key = Name::parse(&key, &fields.at("arm"))?;
    let weight = fields.amount("weight")?;
    let n = count(&mut fields)?;
    let has_covariate = COVARIATE.iter().any(|name| fields.holds(name));
    let (mean, variance) = (fields.holds("mean"), fields.holds("variance"));
    let mut sums = Moments { n, ..Moments::default() };
    if mean || variance {
        published(&mut fields, kind, &mut sums)?;
    } else {
        own(&mut fields, kind, &mut sums)?;
    }
    if kind == Kind::Ratio {
        ratio(&mut fields, &mut sums)?;
    } else {
        for name in DENOMINATOR {
            if fields.holds(name) {
                return Err(fields.refuse(
                    "out_of_place",
                    name,
                    "belongs to a ratio: set kind to ratio, or leave it out",
                ));
            }
        }
    }
    if has_covariate {
        covariate(&mut fields, kind, &mut sums)?;
    }
    fields.finish(&FIELDS)?;
    Ok(ArmSums { key, weight, sums, has_covariate })
}

fn count(fields: &mut Fields) -> Result<i64, Invalid> {
    let n = required(fields, "count", 0, "send the number of persons")?;
    let n = i64::try_from(n).ok().filter(|n| (0..=MOST).contains(n));
    n.ok_or_else(|| {
        fields.refuse(
            "out_of_range",
            "count",
            format!("is no whole number of persons from 0 to {MOST}: send how many there are"),
        )
    })
}

/// A number or decimal text in units of ten to the power `-scale`. Text may not be finer; a number is rounded, since
/// programs compute in binary fractions.
fn exact(fields: &mut Fields, name: &str, scale: i64) -> Result<Option<I256>, Invalid> {
    let (text, rounded) = match fields.take(name) {
        None => return Ok(None),
        Some(Json::Text(text)) => (text, false),
        Some(Json::Number(number)) => (number.to_text(), true),
        Some(other) => {
            let detail = format!("is {}: send a number or decimal text such as \"74282.32\"", kind_of(&other));
            return Err(fields.refuse("wrong_type", name, detail));
        }
    };
    let shown: String = text.chars().take(60).collect();
    let (code, detail) = match parse_decimal(&text, scale, rounded && scale > 0) {
        Ok(units) => return Ok(Some(units)),
        Err(Fault::NotDecimal) => ("not_a_number", format!("{shown:?} is no decimal number: write it like 74282.32")),
        Err(Fault::TooFine) if scale == 0 => {
            ("out_of_range", format!("{shown:?} is no whole number: persons are counted"))
        }
        Err(Fault::TooFine) => {
            ("too_many_decimals", format!("{shown:?} has more than {scale} decimals: round it to at most {scale}"))
        }
        Err(Fault::TooLarge) => ("out_of_range", format!("{shown:?} is larger than any sum can be: look at its unit")),
    };
    Err(fields.refuse(code, name, detail))
}

fn required(fields: &mut Fields, name: &str, scale: i64, why: &str) -> Result<I256, Invalid> {
    exact(fields, name, scale)?.ok_or_else(|| fields.refuse("missing_field", name, format!("is missing: {why}")))
}

/// A sum of powers `order` (1, 2 or 3), within what persons of at most 1e12 each can add up to.
fn sum(fields: &mut Fields, name: &str, order: u32) -> Result<Option<I256>, Invalid> {
    let scale = SCALES[order as usize - 1];
    let Some(units) = exact(fields, name, scale)? else { return Ok(None) };
    // A million million persons of a million million each.
    let most = I256::new(10).pow(12 + 18 * order);
    if units.abs() > most {
        let detail = format!("{} is larger than any sum can be: look at its unit", decimal(&units, scale_of(scale)));
        return Err(fields.refuse("out_of_range", name, detail));
    }
    Ok(Some(units))
}

fn scale_of(scale: i64) -> usize {
    usize::try_from(scale).unwrap_or(0)
}

fn required_sum(fields: &mut Fields, name: &str, order: u32, why: &str) -> Result<I256, Invalid> {
    sum(fields, name, order)?.ok_or_else(|| fields.refuse("missing_field", name, format!("is missing: {why}")))
}

/// The sums of the values themselves.
fn own(fields: &mut Fields, kind: Kind, sums: &mut Moments) -> Result<(), Invalid> {
    if kind == Kind::Conversion {
        let converted = required_sum(fields, "sum", 1, "send how many persons converted, or `mean`, their share")?;
        let squares = sum(fields, "sum_of_squares", 2)?;
        return conversions(fields, sums, converted, squares);
    }
    sums.y = required_sum(fields, "sum", 1, "send the sum of the persons' values, or `mean` and `variance`")?;
    sums.yy = required_sum(fields, "sum_of_squares", 2, "without the squares nothing says how much persons vary")?;
    check_squares(fields, sums.n, ["sum", "sum_of_squares"], sums.y, sums.yy)?;
    match sum(fields, "sum_of_cubes", 3)? {
        None => sums.without_cubes = true,
        Some(cubes) if cubes_are_possible(sums.n, sums.y, sums.yy, cubes) => sums.yyy = cubes,
        Some(cubes) => {
            let detail = format!(
                "{} contradicts the other sums: no {} values with them are that skewed",
                decimal(&cubes, 18),
                sums.n
            );
            return Err(fields.refuse("impossible_sums", "sum_of_cubes", detail));
        }
    }
    Ok(())
}

/// Persons of whom `converted` count 1 and the others 0.
fn conversions(fields: &Fields, sums: &mut Moments, converted: I256, squares: Option<I256>) -> Result<(), Invalid> {
    let unit = I256::from(UNIT);
    let shown = decimal(&converted, 6);
    if converted.is_negative() || converted % unit != I256::ZERO || converted > I256::from(sums.n) * unit {
        let detail = format!("{shown} of {} persons can't have converted: send a whole number from 0 to count", sums.n);
        return Err(fields.refuse("impossible_sums", "sum", detail));
    }
    sums.y = converted;
    sums.yy = converted * unit;
    sums.yyy = converted * unit * unit;
    if let Some(squares) = squares.filter(|squares| *squares != sums.yy) {
        let detail = format!(
            "{} is not {shown}: who converts counts 1, whose square is 1; leave it out, or set kind to sum",
            decimal(&squares, 12)
        );
        return Err(fields.refuse("impossible_sums", "sum_of_squares", detail));
    }
    Ok(())
}

/// The sums behind a published mean and variance.
fn published(fields: &mut Fields, kind: Kind, sums: &mut Moments) -> Result<(), Invalid> {
    if kind == Kind::Ratio {
        let name = if fields.holds("mean") { "mean" } else { "variance" };
        return Err(fields.refuse(
            "out_of_place",
            name,
            "does not tell numerator from denominator: send the sums of the ratio",
        ));
    }
    for name in ["sum", "sum_of_squares", "sum_of_cubes"] {
        if fields.holds(name) {
            return Err(fields.refuse(
                "conflicting_fields",
                name,
                "stands beside mean or variance: send sums, or mean and variance",
            ));
        }
    }
    let scale = i64::from(PUBLISHED_DECIMALS);
    let mean = required(fields, "mean", scale, "it belongs to the variance")?;
    let variance = exact(fields, "variance", scale)?;
    if kind == Kind::Conversion {
        if variance.is_some() {
            let detail = "says nothing of a conversion that its share does not: leave it out, or set kind to sum";
            return Err(fields.refuse("out_of_place", "variance", detail));
        }
        return share(fields, sums, mean);
    }
    let Some(variance) = variance else {
        let detail = "is missing: without it nothing says how much persons vary; it is the sample variance (n - 1) between persons";
        return Err(fields.refuse("missing_field", "variance", detail));
    };
    if sums.n < 2 {
        return Err(fields.refuse("impossible_sums", "variance", "does not exist for fewer than 2 persons: send sums"));
    }
    if variance.is_negative() {
        return Err(fields.refuse("impossible_sums", "variance", "is below 0, which no variance is"));
    }
    let (sum, squares) = sums_of_published(sums.n, mean, variance).map_err(|reason| match reason {
        Unpublishable::Impossible => {
            fields.refuse("out_of_range", "mean", "or its variance is larger than any value can be: look at the unit")
        }
        Unpublishable::TooCoarse => {
            let detail = "is so small that a millionth of the sum is much: send mean and variance in a smaller unit (mean times \
                          1000, variance times 1 000 000)";
            fields.refuse("out_of_range", "variance", detail)
        }
    })?;
    (sums.y, sums.yy, sums.without_cubes) = (sum, squares, true);
    Ok(())
}

/// The conversions behind a published share, which must be a whole number but for the digits that were published.
fn share(fields: &Fields, sums: &mut Moments, share: I256) -> Result<(), Invalid> {
    let one = I256::new(10).pow(PUBLISHED_DECIMALS);
    if share.is_negative() || share > one {
        return Err(fields.refuse("impossible_sums", "mean", "is no share of persons from 0 to 1"));
    }
    let all = share * I256::from(sums.n);
    let converted = (all + one / I256::new(2)) / one;
    // A tenth of a person is what rounding a share leaves.
    if (all - converted * one).abs() > one / I256::new(10) {
        let detail = format!(
            "of {} persons is {} converted, no whole number: give the share with more digits, or send `sum`",
            sums.n,
            decimal(&(all / I256::new(10).pow(PUBLISHED_DECIMALS - 6)), 6)
        );
        return Err(fields.refuse("impossible_sums", "mean", detail));
    }
    conversions(fields, sums, converted * I256::from(UNIT), None)
}

fn ratio(fields: &mut Fields, sums: &mut Moments) -> Result<(), Invalid> {
    let [below, squares, products] = DENOMINATOR;
    sums.d = required_sum(fields, below, 1, "a ratio needs the sum of its denominators")?;
    sums.dd = required_sum(fields, squares, 2, "a ratio needs the squares of its denominators")?;
    sums.yd = required_sum(fields, products, 2, "a ratio needs the sum of each person's numerator times denominator")?;
    check_squares(fields, sums.n, [below, squares], sums.d, sums.dd)?;
    if products_are_possible(sums.n, [sums.y, sums.yy, sums.d, sums.dd, sums.yd]) {
        return Ok(());
    }
    Err(beyond(fields, products, sums.yd, "numerator and denominator"))
}

fn covariate(fields: &mut Fields, kind: Kind, sums: &mut Moments) -> Result<(), Invalid> {
    let [before, squares, products] = COVARIATE;
    if kind == Kind::Ratio {
        let name = COVARIATE.into_iter().find(|name| fields.holds(name)).unwrap_or(before);
        let detail =
            "adjusts sums and conversions only: a ratio needs the past of its denominator as well; leave it out";
        return Err(fields.refuse("out_of_place", name, detail));
    }
    sums.x = required_sum(fields, before, 1, "all three sums of the covariate are needed")?;
    sums.xx = required_sum(fields, squares, 2, "all three sums of the covariate are needed")?;
    sums.xy = required_sum(fields, products, 2, "all three sums of the covariate are needed")?;
    check_squares(fields, sums.n, [before, squares], sums.x, sums.xx)?;
    if products_are_possible(sums.n, [sums.y, sums.yy, sums.x, sums.xx, sums.xy]) {
        return Ok(());
    }
    Err(beyond(fields, products, sums.xy, "value and covariate"))
}

fn check_squares(fields: &Fields, n: i64, [of, name]: [&str; 2], sum: I256, squares: I256) -> Result<(), Invalid> {
    if squares_are_possible(n, sum, squares) {
        return Ok(());
    }
    let least = least_squares(n.max(1), sum);
    let (sum, squares) = (decimal(&sum, 6), decimal(&squares, 12));
    let detail = match n {
        0 => format!("{squares} is what nobody can add up to (with a {of} of {sum}): send 0, or count the persons"),
        1 => format!("{squares} is not the square of the one person's {of} {sum}"),
        _ => format!(
            "{squares} is too small: {n} values that add up to {sum} have squares that add up to at least {least}"
        ),
    };
    Err(fields.refuse("impossible_sums", name, detail))
}

fn beyond(fields: &Fields, name: &str, products: I256, of: &str) -> Invalid {
    let detail = format!(
        "{} means that {of} vary together by more than they vary at all (Cauchy and Schwarz): look whether it is of the same \
         persons and in the same units as the other sums",
        decimal(&products, 12)
    );
    fields.refuse("impossible_sums", name, detail)
}
