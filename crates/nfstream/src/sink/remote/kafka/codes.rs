//! Codes of errors in the answers of brokers.

use crate::sink::remote::receiver::Failure;

/// No partition or topic of this name.
pub(super) const UNKNOWN_TOPIC: i16 = 3;

/// A batch that the broker already has.
const DUPLICATE: i16 = 46;

/// A topic that exists.
const EXISTS: i16 = 36;

/// Codes with their meanings, and whether the cause may pass.
const KNOWN: &[(i16, &str, bool)] = &[
    (-1, "unexpected error of the broker", true),
    (2, "the broker received a damaged batch", true),
    (UNKNOWN_TOPIC, "the topic or partition is unknown", true),
    (5, "the partition has no leader", true),
    (6, "the broker does not lead the partition", true),
    (7, "the broker did not finish in time", true),
    (10, "a message is larger than the broker allows; use a smaller rows=N", false),
    (13, "the broker lost a connection", true),
    (14, "the broker is still starting", true),
    (15, "no coordinator", true),
    (17, "the name of the topic is invalid", false),
    (19, "the partition has too few replicas in sync", true),
    (20, "the partition had too few replicas in sync while it was written", true),
    (29, "no permission to write to the topic", false),
    (31, "no permission for the cluster", false),
    (33, "the broker does not support this way to log in", false),
    (34, "the broker expects no login now", false),
    (35, "the broker does not support this version of a request", false),
    (41, "the broker is not the controller", true),
    (44, "the broker's policy refuses this", false),
    (45, "the broker lacks earlier batches", true),
    (47, "the broker has a newer producer of this number", true),
    (56, "the broker cannot write to its storage", true),
    (58, "the broker refuses user or password", false),
    (59, "the broker no longer knows this producer", true),
    (87, "the broker refuses the contents of a batch", false),
    (89, "too many requests", true),
];

/// Returns the failure that a code stands for.
pub(super) fn check(code: i16) -> Result<(), Failure> {
    if matches!(code, 0 | EXISTS | DUPLICATE) {
        return Ok(());
    }
    let known = KNOWN.iter().find(|(known, ..)| *known == code);
    Err(match known {
        Some((_, text, true)) => Failure::temporary(format!("{text} (code {code})")),
        Some((_, text, false)) => Failure::permanent(format!("{text} (code {code})")),
        None => Failure::permanent(format!("error of the broker, code {code}")),
    })
}

/// Returns whether a producer needs new numbers.
pub(super) fn is_lost_producer(code: i16) -> bool {
    matches!(code, 45 | 47 | 59)
}
