//! `taskhost cron next`.

use taskhost_core::config::Diagnostic;
use taskhost_core::schedule::{Cron, CronError, Zone};
use taskhost_core::time::UnixMicros;

use super::args::CronNextArgs;
use super::failure::{Exit, Failure};
use super::output::Output;
use crate::clock::{Clock as _, SystemClock};

/// Prints the next times of a line.
pub(super) fn next(args: &CronNextArgs, output: &mut Output<'_>) -> Result<(), Failure> {
    let line = &args.expression;
    let cron = Cron::parse(line, args.tz).map_err(|error| wrong_line(line, &error))?;
    let from = args.from.unwrap_or_else(|| SystemClock.now());
    let times: Vec<String> = times(&cron, args.tz, from).take(args.count.into()).collect();
    if args.json {
        let json = serde_json::to_string(&times).expect("texts are JSON");
        output.data(&(json + "\n"))?;
    } else {
        output.data(&times.iter().flat_map(|time| [time.as_str(), "\n"]).collect::<String>())?;
    }
    if times.is_empty() {
        return Err(Failure::new(Exit::Failed, format!("`{line}` never fires after {}", args.tz.format(from)))
            .hint("no day has all that the line asks for, such as a 30 February"));
    }
    Ok(())
}

fn times(cron: &Cron, zone: Zone, from: UnixMicros) -> impl Iterator<Item = String> {
    std::iter::successors(cron.next_after(from), |time| cron.next_after(*time)).map(move |time| zone.format(time))
}

/// Looks whether a line is one.
pub(super) fn check_line(line: &str, zone: Zone) -> Result<(), Failure> {
    Cron::parse(line, zone).map(|_| ()).map_err(|error| wrong_line(line, &error))
}

fn wrong_line(line: &str, error: &CronError) -> Failure {
    let fields = "a line is minute, hour, day, month and weekday, such as `30 2 * * MON-FRI`".to_owned();
    let diagnostic = Diagnostic::new(line, error.span(), error.to_string(), Some(error.hint().unwrap_or(fields)));
    Failure::reported(Exit::Usage, diagnostic.render("cron line", line))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::args::{Cli, Command, CronCommand};

    /// What is printed, what is said, and the exit code.
    fn run(words: &[&str]) -> (String, String, u8) {
        let words = ["taskhost", "cron", "next"].iter().chain(words);
        let cli = Cli::try_parse_from(words).unwrap();
        let Command::Cron { command: CronCommand::Next(args) } = cli.command else { panic!("it is `cron next`") };
        let (mut data, mut notes) = (Vec::new(), Vec::new());
        let ended = next(&args, &mut Output::captured(&mut data, &mut notes));
        let (said, exit) = ended.map_or_else(|failure| (failure.report, failure.exit as u8), |()| (String::new(), 0));
        assert!(notes.is_empty());
        (String::from_utf8(data).unwrap(), said, exit)
    }

    #[test]
    fn times_carry_the_offset_of_the_zone() {
        let words = ["30 2 * * *", "--tz", "Europe/Berlin", "--from", "2027-03-26T12:00:00Z", "--count", "3"];
        let printed = "2027-03-27T02:30:00+01:00\n2027-03-28T03:00:00+02:00\n2027-03-29T02:30:00+02:00\n";
        assert_eq!(run(&words), (printed.to_owned(), String::new(), 0));
        let (json, _, _) = run(&["@daily", "--from", "2026-12-24T18:00:00Z", "--count", "2", "--json"]);
        assert_eq!(json, "[\"2026-12-25T00:00:00+00:00\",\"2026-12-26T00:00:00+00:00\"]\n");
    }

    #[test]
    fn a_line_that_never_fires_fails_with_an_empty_array() {
        let (json, said, exit) = run(&["0 0 30 2 *", "--from", "2026-12-24T18:00:00Z", "--json"]);
        assert_eq!((json.as_str(), exit), ("[]\n", 1));
        assert!(said.starts_with("error: `0 0 30 2 *` never fires after 2026-12-24T18:00:00+00:00\n"), "{said}");
    }

    #[test]
    fn a_wrong_line_is_shown_with_a_caret_below_the_offence() {
        let (data, said, exit) = run(&["0 0 * * FRY"]);
        assert_eq!((data.as_str(), exit), ("", 2));
        let (message, excerpt) = said.split_once('\n').unwrap();
        assert_eq!(
            message,
            "error: day-of-week field \"FRY\": `FRY` is no value here; allowed are 0-7 (0 and 7 are Sunday) and SUN-SAT"
        );
        assert_eq!(
            excerpt,
            "  --> cron line:1:9\n   |\n 1 | 0 0 * * FRY\n   |         ^^^\n\nhint: a line is minute, hour, day, month and weekday, such as `30 2 * * MON-FRI`\n"
        );
    }
}
