//! The options that say how flows are made: the parameters of a streamer.

use std::num::NonZeroUsize;

use nfstream::Config;
use nfstream::dpi::Limits;
use nfstream::features::Measuring;
use nfstream::flow::Timeouts;
use nfstream::pipeline::suitable_meters;
use nfstream::time::Duration;

/// Options that say how flows are made.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Flows")]
pub(crate) struct FlowRules {
    /// End a flow after S seconds without a packet
    #[arg(long, value_name = "S", default_value = "30", value_parser = seconds)]
    #[arg(allow_hyphen_values = true)]
    idle_timeout: Duration,

    /// End a flow S seconds after its first packet, and go on with the next slice of it
    #[arg(long, value_name = "S", default_value = "300", value_parser = seconds)]
    #[arg(allow_hyphen_values = true)]
    active_timeout: Duration,

    /// Leave nDPI and its columns out
    #[arg(long)]
    no_dissect: bool,

    /// Packets of a TCP flow that nDPI looks at
    #[arg(long, value_name = "N", default_value_t = Limits::default().tcp_packets)]
    #[arg(allow_negative_numbers = true)]
    max_tcp_dissections: u32,

    /// Packets of a UDP flow that nDPI looks at
    #[arg(long, value_name = "N", default_value_t = Limits::default().udp_packets)]
    #[arg(allow_negative_numbers = true)]
    max_udp_dissections: u32,

    /// Packets of a flow that its splt columns hold
    #[arg(long, value_name = "N", default_value_t = 10, allow_negative_numbers = true)]
    splt_packets: usize,

    /// Meters that share the work; 0: as many as the machine has processors
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    n_meters: usize,
}

impl FlowRules {
    /// Returns the engine's configuration for an input of `input_bytes`, if that is known.
    pub(crate) fn config(&self, input_bytes: Option<u64>) -> Config {
        let inspection = (!self.no_dissect).then_some(Limits {
            tcp_packets: self.max_tcp_dissections,
            udp_packets: self.max_udp_dissections,
        });
        let meters = NonZeroUsize::new(self.n_meters);
        let meters = meters.unwrap_or_else(|| suitable_meters(input_bytes));
        let timeouts = Timeouts { idle: self.idle_timeout, active: self.active_timeout };
        let measuring = Measuring { splt_packets: self.splt_packets, ..Measuring::default() };
        Config { timeouts, inspection, measuring, meters, ..Config::default() }
    }
}

/// Parses seconds, with a fraction or without.
fn seconds(text: &str) -> Result<Duration, &'static str> {
    let number = text.parse().map_err(|_| "expected a number of seconds, such as 30 or 0.5")?;
    Duration::try_from_seconds(number).ok_or("expected 0 seconds or more")
}
