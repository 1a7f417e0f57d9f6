//! The words: what they refuse, and what their help says.
//!
//! `INSTA_UPDATE=always cargo test -p taskhost --lib args` writes the help anew, and the difference is the review.

use clap::CommandFactory as _;

use super::*;

fn said(words: &str) -> String {
    // As wide as where there is no terminal, wherever the tests run.
    let command = Cli::command().term_width(100);
    command.try_get_matches_from(words.split(' ')).unwrap_err().to_string()
}

#[test]
fn the_words_do_not_contradict_each_other() {
    Cli::command().debug_assert();
}

/// A command and all below it, with what its help says.
fn helps(words: &str, command: &clap::Command) -> Vec<(String, String)> {
    let said = said(&format!("{words} --help"));
    let below = command.get_subcommands().filter(|below| !below.is_hide_set() && below.get_name() != "help");
    let below = below.flat_map(|below| helps(&format!("{words} {}", below.get_name()), below));
    std::iter::once((words.to_owned(), said)).chain(below).collect()
}

#[test]
fn every_command_helps_with_examples_that_are_words_of_its_own() {
    for (words, help) in helps("taskhost", &Cli::command()) {
        let examples = help.split_once("\nExamples:\n").unwrap_or_else(|| panic!("{words} has no examples")).1;
        assert!(examples.lines().any(|line| line.contains(&words)), "{words}: {examples}");
        let examples = examples.split("\n\n").next().unwrap_or_default();
        let broken = examples.lines().find(|line| !line.starts_with("  ") || line.len() > 80);
        assert_eq!(broken, None, "an example of {words} does not fit into a terminal of 80 columns");
    }
}

#[test]
fn the_help_of_all_commands_is_as_it_was() {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_snapshot_path("snapshots");
    let _bound = settings.bind_to_scope();
    let mut root = Cli::command();
    root.build();
    let helps = helps("taskhost", &root);
    let (main, rest) = helps.split_first().unwrap();
    insta::assert_snapshot!("help", main.1);
    for noun in root.get_subcommands().map(|noun| format!("taskhost {}", noun.get_name())) {
        let of_noun = |words: &str| words == noun || words.starts_with(&format!("{noun} "));
        let pages: Vec<String> = rest
            .iter()
            .filter(|(words, _)| of_noun(words))
            .map(|(words, help)| format!("$ {words} --help\n{help}"))
            .collect();
        if !pages.is_empty() {
            insta::assert_snapshot!(format!("help_{}", noun.trim_start_matches("taskhost ")), pages.join("\n"));
        }
    }
}

#[test]
fn a_task_is_of_a_kind_or_of_a_job() {
    assert!(said("taskhost enqueue").contains("required"));
    assert!(said("taskhost enqueue a.b --job c").contains("cannot be used with"));
    assert!(said("taskhost enqueue --job c --params {}").contains("cannot be used with"));
    assert!(said("taskhost enqueue a.b --delay 1h --at 2026-12-24T18:00:00Z").contains("cannot be used with"));
}

#[test]
fn wrong_values_are_told_in_our_words() {
    assert!(said("taskhost enqueue a.b --delay soon").contains("expected a whole number"));
    assert!(said("taskhost tasks show 7").contains("`7` is not a task id"));
    assert!(said("taskhost cron next @daily --tz Europe/Berln").contains("hint: did you mean `Europe/Berlin`?"));
    assert!(said("taskhost cron next @daily --count 0").contains("1..=1000"));
}

#[test]
fn the_file_may_be_named_behind_the_command() {
    let cli = Cli::try_parse_from(["taskhost", "plugins", "list", "--json", "-c", "etc/tasks.toml"]).unwrap();
    assert_eq!(cli.config, PathBuf::from("etc/tasks.toml"));
    assert!(matches!(cli.command, Command::Plugins(PluginsArgs { json: true, .. })));
}
