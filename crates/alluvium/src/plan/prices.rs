//! Prices in dollars, as of a date. They change: what is planned with them is an order of magnitude to be checked.

/// When they were written down.
pub(super) const AS_OF: &str = "2026-11-23";
/// Of whom.
pub(super) const WHERE: &str =
    "AWS us-east-1 on demand, written from memory where no price list could be reached: check them";

/// Bytes of a GB, as bills count them.
pub(super) const GB: f64 = 1e9;

/// An hour of a machine of 8 virtual CPUs with a local disk (m6id.2xlarge).
pub(super) const BROKER_HOUR: f64 = 0.4746;
/// A thousand PUT, POST or LIST requests of S3 Standard.
pub(super) const PUT_1000: f64 = 0.005;
/// A thousand GET requests.
pub(super) const GET_1000: f64 = 0.0004;
/// A GB that goes from one zone to another, both sides together.
pub(super) const BETWEEN_ZONES_GB: f64 = 0.02;
/// A GB of a network disk (gp3) for a month.
pub(super) const DISK_GB: f64 = 0.08;

/// S3 Standard: up to so many GB, a GB for a month.
const STORAGE: [(f64, f64); 3] = [(50_000.0, 0.023), (500_000.0, 0.022), (f64::INFINITY, 0.021)];

/// Dollars a month for bytes that are kept.
pub(super) fn storage(bytes: f64) -> f64 {
    let (mut rest, mut below, mut dollars) = (bytes / GB, 0.0, 0.0);
    for (limit, price) in STORAGE {
        let here = rest.min(limit - below);
        dollars += here * price;
        rest -= here;
        below = limit;
        if rest <= 0.0 {
            break;
        }
    }
    dollars
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storage_gets_cheaper_in_steps() {
        let is = |gb: f64, dollars: f64| {
            assert!((storage(gb * GB) - dollars).abs() < 1e-6, "{}", storage(gb * GB));
        };
        is(0.0, 0.0);
        is(1000.0, 23.0);
        is(50_000.0, 1150.0);
        is(600_000.0, 1150.0 + 9900.0 + 2100.0);
    }
}
