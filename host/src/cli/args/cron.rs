//! The words of `taskhost cron`.

use clap::{Args, Subcommand};
use taskhost_core::schedule::{Zone, ZoneError};
use taskhost_core::time::UnixMicros;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum CronCommand {
    /// Print the next times of a cron line, with the offset of the zone
    #[command(after_help = EXAMPLES)]
    Next(CronNextArgs),
}

pub(super) const EXAMPLES: &str = "\
Examples:
  taskhost cron next '*/15 9-17 * * MON-FRI'
  taskhost cron next '30 2 * * *' --tz Europe/Berlin --from 2027-03-27T12:00:00Z
  taskhost cron next @daily --json";

#[derive(Debug, Args)]
pub(in crate::cli) struct CronNextArgs {
    /// The line: 5 fields, 6 with the seconds first, or a nickname such as `@daily`
    pub(in crate::cli) expression: String,
    /// The zone whose clocks count
    #[arg(long, value_name = "ZONE", default_value = "UTC", value_parser = zone)]
    pub(in crate::cli) tz: Zone,
    /// Print times after this one [default: now]
    #[arg(long, value_name = "TIME")]
    pub(in crate::cli) from: Option<UnixMicros>,
    /// How many times
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub(in crate::cli) count: u16,
    /// Print a JSON array
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

pub(super) fn zone(text: &str) -> Result<Zone, String> {
    text.parse().map_err(|error: ZoneError| format!("{error}\n\nhint: {}", error.hint()))
}
