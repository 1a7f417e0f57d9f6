//! What becomes of a running registry when files of the plugin folders come, change and go.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use taskhost_core::ids::KindName;

use super::super::describe::DescribeOptions;
use super::super::{Changes, Kinds as _, PluginView, Registry, Search};
use super::{Folder, VERSION_2};

const NOTHING: Changes = Changes { loaded: 0, swapped: 0, left: 0, refused: 0 };

fn generation_of(registry: &Registry, kind: &str) -> Option<u32> {
    Some(registry.find(&KindName::new(kind).unwrap())?.generation)
}

/// Name, generation, retired copies, and the first line of the error.
fn lines(registry: &Registry) -> Vec<String> {
    let line = |view: PluginView| {
        let error = view.error.as_deref().and_then(|error| error.lines().next()).unwrap_or("-");
        format!("{} {} {} {error}", view.name, view.generation, view.retired)
    };
    registry.plugins().into_iter().map(line).collect()
}

/// Builds it aside and renames it into place.
fn replace(folder: &Folder, file: &str, defines: &[&str]) {
    let aside = folder.build("aside.tmp", "defects.c", defines);
    fs::rename(aside, folder.plugins().join(file)).unwrap();
}

#[test]
fn a_changed_file_becomes_the_next_generation_and_the_same_bytes_nothing() {
    let folder = Folder::new();
    let registry = folder.scan();
    assert_eq!(registry.refresh(), NOTHING);
    let path = folder.build("sound.so", "defects.c", &[]);
    assert_eq!(registry.refresh(), Changes { loaded: 1, ..NOTHING });
    let old = registry.find(&KindName::new("sound.work").unwrap()).unwrap();

    replace(&folder, "sound.so", &[VERSION_2]);
    assert_eq!(registry.refresh(), Changes { swapped: 1, ..NOTHING });
    assert_eq!(lines(&registry), ["sound 2 1 -"]);
    assert_eq!((generation_of(&registry, "sound.work"), old.generation), (Some(2), 1));

    let bytes = fs::read(&path).unwrap();
    fs::write(&path, bytes).unwrap();
    assert_eq!(registry.refresh(), NOTHING);
}

#[test]
fn a_broken_file_leaves_the_old_generation_serving_and_is_told_beside_it() {
    let folder = Folder::new();
    let path = folder.build("sound.so", "defects.c", &[]);
    let whole = fs::read(&path).unwrap();
    let registry = folder.scan();
    let refused = Changes { refused: 1, ..NOTHING };

    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    assert_eq!(registry.refresh(), refused);
    assert!(lines(&registry)[0].starts_with("sound 1 0 the file is not whole: "), "{:?}", lines(&registry));
    replace(&folder, "sound.so", &["SYMBOL=something_else"]);
    assert_eq!(registry.refresh(), refused);
    assert_eq!(lines(&registry), ["sound 1 0 it does not export `taskhost_plugin_v1`"]);
    replace(&folder, "sound.so", &["INIT_EXITS=3"]);
    assert_eq!(registry.refresh(), refused);
    assert_eq!(lines(&registry), ["sound 1 0 it ended its process with exit code 3 when it was described"]);
    assert_eq!(registry.refresh(), NOTHING, "it is not tried again");

    assert_eq!(generation_of(&registry, "sound.work"), Some(1));
    fs::write(&path, &whole).unwrap();
    assert_eq!(registry.refresh(), NOTHING);
    assert_eq!(lines(&registry), ["sound 1 0 -"], "what serves is back in its file");
}

#[test]
fn a_file_that_is_gone_takes_its_kinds_with_it_and_brings_them_back() {
    let folder = Folder::new();
    let path = folder.build("sound.so", "defects.c", &[]);
    let registry = folder.scan();
    let aside = folder.root.path().join("aside.so");
    fs::rename(&path, &aside).unwrap();
    assert_eq!(registry.refresh(), Changes { left: 1, ..NOTHING });
    assert_eq!((lines(&registry).len(), generation_of(&registry, "sound.work")), (0, None));
    fs::rename(&aside, &path).unwrap();
    assert_eq!(registry.refresh(), Changes { loaded: 1, ..NOTHING });
    assert_eq!(lines(&registry), ["sound 2 1 -"]);

    fs::rename(folder.plugins(), folder.root.path().join("elsewhere")).unwrap();
    assert_eq!(registry.refresh(), Changes { left: 1, ..NOTHING }, "a folder that is gone has no files");
}

#[test]
fn a_file_that_moves_to_another_folder_serves_on_and_other_bytes_there_are_a_swap() {
    let folder = Folder::new();
    let path = folder.build("sound.so", "defects.c", &[]);
    let registry = folder.scan();
    let other = |name: &str| {
        let other = folder.root.path().join(name);
        fs::create_dir(&other).unwrap();
        other
    };
    let second = other("second");
    fs::rename(&path, second.join("sound.so")).unwrap();
    assert_eq!(registry.reconfigure(vec![second.clone()], BTreeMap::new()).unwrap(), NOTHING);
    assert_eq!(lines(&registry), ["sound 1 0 -"]);
    assert_eq!(registry.plugins()[0].path, second.join("sound.so"));

    let third = other("third");
    replace(&folder, "sound.so", &[VERSION_2]);
    fs::rename(&path, third.join("sound.so")).unwrap();
    let swapped = registry.reconfigure(vec![third], BTreeMap::new()).unwrap();
    assert_eq!(swapped, Changes { swapped: 1, ..NOTHING });
    assert_eq!(lines(&registry), ["sound 2 1 -"]);
}

#[test]
fn a_second_file_of_a_name_gets_its_chance_when_the_first_goes() {
    let folder = Folder::new();
    let first = folder.build("b.so", "defects.c", &[]);
    let registry = folder.scan();
    folder.build("a.so", "defects.c", &[r#"NAME="copycat""#]);
    assert_eq!(registry.refresh(), Changes { refused: 1, ..NOTHING });
    let expected =
        format!("copycat 0 0 kind `sound.work` is already provided by plugin `sound` in `{}`", first.display());
    assert_eq!(lines(&registry), [expected.as_str(), "sound 1 0 -"]);
    assert_eq!(registry.refresh(), NOTHING, "it is told once");
    fs::remove_file(first).unwrap();
    assert_eq!(registry.refresh(), Changes { loaded: 1, left: 1, ..NOTHING });
    assert_eq!(lines(&registry), ["copycat 1 0 -"]);
}

#[test]
fn a_kind_that_moves_from_one_file_to_another_at_once_is_not_taken() {
    let folder = Folder::new();
    folder.build("a.so", "defects.c", &[r#"NAME="a""#, r#"KIND="a.work""#]);
    folder.build("b.so", "defects.c", &[r#"NAME="b""#, r#"KIND="b.work""#]);
    let registry = folder.scan();
    replace(&folder, "a.so", &[r#"NAME="a""#, r#"KIND="b.work""#]);
    replace(&folder, "b.so", &[r#"NAME="b""#, r#"KIND="c.work""#]);
    registry.refresh();
    assert_eq!(lines(&registry), ["a 2 1 -", "b 2 1 -"]);
    assert_eq!(generation_of(&registry, "a.work"), None);
}

/// A program that describes nothing.
fn silent(folder: &Folder) -> Search {
    let describe = DescribeOptions { program: PathBuf::from("false"), ..folder.search().describe };
    Search { describe, ..folder.search() }
}

#[test]
fn what_was_described_once_costs_no_child_at_the_next_start_of_this_version() {
    let folder = Folder::new();
    folder.build("sound.so", "defects.c", &[]);
    let sha256 = folder.scan_one().sha256;
    let stranger = folder.state().join("manifests/stranger.json");
    fs::write(&stranger, "{}").unwrap();
    let registry = Registry::scan(silent(&folder)).unwrap();
    assert_eq!((lines(&registry), stranger.exists()), (vec!["sound 1 0 -".to_owned()], false));

    let kept = folder.state().join(format!("manifests/{sha256}.json"));
    let text = fs::read_to_string(&kept).unwrap();
    let of_another_host = text.replace(concat!("\"host\":\"", env!("CARGO_PKG_VERSION")), "\"host\":\"0");
    assert_ne!(of_another_host, text);
    fs::write(&kept, of_another_host).unwrap();
    let registry = Registry::scan(silent(&folder)).unwrap();
    assert_eq!(lines(&registry), ["sound.so 0 0 it ended its process with exit code 1 when it was described"]);
}

#[test]
fn a_child_that_cannot_be_started_is_tried_again() {
    let folder = Folder::new();
    let search = folder.search();
    let program = folder.root.path().join("describer");
    let describe = DescribeOptions { program: program.clone(), ..search.describe.clone() };
    folder.build("sound.so", "defects.c", &[]);
    let registry = Registry::scan(Search { describe, ..folder.search() }).unwrap();
    assert_eq!(lines(&registry), ["sound.so 0 0 it cannot be described: No such file or directory (os error 2)"]);
    std::os::unix::fs::symlink(search.describe.program, program).unwrap();
    assert_eq!(registry.refresh(), Changes { loaded: 1, ..NOTHING });
}
