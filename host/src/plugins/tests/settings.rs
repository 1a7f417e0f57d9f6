//! What becomes of a running registry when `tasks.toml` says something else of plugins and folders.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use serde_json::{Value, json};
use taskhost_core::ids::{KindName, PluginName};

use super::super::{Changes, Kinds as _, PluginSettings, Registry, Search};
use super::{Folder, VERSION_2, compile};

const NOTHING: Changes = Changes { loaded: 0, swapped: 0, left: 0, refused: 0 };

/// Takes every config but one with a `!` in it.
const CHOOSY: &str = "CONFIGURE=(memchr(config.ptr, '!', config.len) ? -1 : 0)";

/// The folder `plugins` with the plugins `sound` and `other`, which are choosy.
fn two() -> Folder {
    let folder = Folder::new();
    folder.build("a.so", "defects.c", &[CHOOSY]);
    folder.build("b.so", "defects.c", &[CHOOSY, r#"NAME="other""#, r#"KIND="other.work""#]);
    folder
}

fn settings(of: &[(&str, Value)]) -> BTreeMap<PluginName, PluginSettings> {
    let settings = |config: &Value| PluginSettings { config: Some(config.clone()), allow_in_process: false };
    of.iter().map(|(name, config)| (name.parse().unwrap(), settings(config))).collect()
}

fn generation(registry: &Registry, kind: &str) -> Option<u32> {
    Some(registry.find(&KindName::new(kind).unwrap())?.generation)
}

#[test]
fn other_settings_make_the_next_generation_of_that_plugin_alone() {
    let folder = two();
    let registry = folder.scan();
    let old = registry.find(&KindName::new("sound.work").unwrap()).unwrap();
    let changes = registry.reconfigure(vec![folder.plugins()], settings(&[("sound", json!({ "a": 1 }))]));
    assert_eq!(changes, Ok(Changes { swapped: 1, ..NOTHING }));
    assert_eq!((generation(&registry, "sound.work"), generation(&registry, "other.work")), (Some(2), Some(1)));
    assert_eq!(old.generation, 1, "who has found it keeps it");
    let same = settings(&[("sound", json!({ "a": 1 })), ("other", json!({}))]);
    assert_eq!(registry.reconfigure(vec![folder.plugins()], same), Ok(NOTHING), "no config is the empty one");
    assert_eq!(registry.refresh(), NOTHING);
}

#[test]
fn if_one_plugin_does_not_take_its_settings_no_plugin_gets_any() {
    let folder = two();
    let registry = folder.scan();
    let copies = || fs::read_dir(folder.state().join("generations")).unwrap().count();
    let before = copies();
    let wrong = settings(&[("other", json!("!")), ("sound", json!({ "a": 1 }))]);
    let errors = registry.reconfigure(vec![folder.plugins()], wrong).unwrap_err();
    let told: Vec<_> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        ["plugin `other` does not come up with its new settings: the config of plugin `other` does not fit: \"!\""]
    );
    assert_eq!((generation(&registry, "sound.work"), generation(&registry, "other.work")), (Some(1), Some(1)));
    assert_eq!(copies(), before, "what was brought up in vain is not kept");
    // What was refused counts for nothing: this is other than what serves.
    let right = settings(&[("sound", json!({ "a": 1 }))]);
    let changes = registry.reconfigure(vec![folder.plugins()], right);
    assert_eq!(changes, Ok(Changes { swapped: 1, ..NOTHING }));
}

#[test]
fn a_library_that_was_refused_for_its_settings_is_tried_with_others() {
    let mut folder = two();
    folder.settings = settings(&[("other", json!("!"))]);
    let registry = folder.scan();
    assert_eq!(generation(&registry, "other.work"), None);
    let changes = registry.reconfigure(vec![folder.plugins()], settings(&[("other", json!({ "a": 1 }))]));
    assert_eq!(changes, Ok(Changes { loaded: 1, ..NOTHING }));
    assert_eq!(generation(&registry, "other.work"), Some(2), "the copy that was refused counts as loaded");
}

#[test]
fn settings_reach_what_serves_also_when_its_file_is_broken_meanwhile() {
    let folder = two();
    let registry = folder.scan();
    let file = folder.plugins().join("a.so");
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    let changes = registry.reconfigure(vec![folder.plugins()], settings(&[("sound", json!({ "a": 1 }))]));
    assert_eq!(changes, Ok(Changes { swapped: 1, refused: 1, ..NOTHING }));
    assert_eq!(generation(&registry, "sound.work"), Some(2));
    fs::write(&file, whole).unwrap();
    assert_eq!(registry.refresh(), NOTHING, "the same bytes as those that serve");
    assert!(registry.plugins().iter().all(|plugin| plugin.error.is_none()));
}

#[test]
fn other_folders_bring_their_plugins_and_take_those_of_the_old_away() {
    let folder = two();
    let registry = folder.scan();
    let more = folder.root.path().join("more");
    fs::create_dir(&more).unwrap();
    fs::rename(folder.plugins().join("b.so"), more.join("c.so")).unwrap();
    let changes = registry.reconfigure(vec![more.clone()], settings(&[]));
    assert_eq!(changes, Ok(Changes { loaded: 1, left: 2, ..NOTHING }));
    assert_eq!((generation(&registry, "sound.work"), generation(&registry, "other.work")), (None, Some(2)));
    assert_eq!(*registry.watched().borrow(), [more]);
}

#[test]
fn a_new_library_whose_edit_fails_is_loaded_by_the_next_look_all_the_same() {
    let folder = two();
    let registry = folder.scan();
    let aside = folder.build("aside.tmp", "defects.c", &[CHOOSY, VERSION_2]);
    fs::rename(aside, folder.plugins().join("a.so")).unwrap();
    let edit = settings(&[("sound", json!({ "a": 1 })), ("other", json!("!"))]);
    registry.reconfigure(vec![folder.plugins()], edit).unwrap_err();
    assert_eq!(registry.refresh(), Changes { swapped: 1, ..NOTHING });
    let versions: Vec<_> = registry.plugins().into_iter().map(|plugin| plugin.version).collect();
    assert_eq!(versions, ["1.2.3", "2"]);
}

#[test]
fn a_plugin_whose_folder_goes_is_not_asked_how_it_does_without_its_settings() {
    let mut folder = two();
    let more = folder.root.path().join("more");
    fs::create_dir(&more).unwrap();
    let needy = "CONFIGURE=(config.len > 2 ? 0 : -1)";
    compile(&more.join("c.so"), "defects.c", &[needy, r#"NAME="needy""#, r#"KIND="needy.work""#]);
    folder.settings = settings(&[("needy", json!({ "a": 1 }))]);
    let registry = Registry::scan(Search { folders: vec![folder.plugins(), more.clone()], ..folder.search() }).unwrap();
    assert_eq!(generation(&registry, "needy.work"), Some(1));
    let errors = registry.reconfigure(vec![folder.plugins(), more], settings(&[])).unwrap_err();
    assert_eq!(errors.len(), 1, "while its folder stays it is asked");
    let changes = registry.reconfigure(vec![folder.plugins()], settings(&[]));
    assert_eq!(changes, Ok(Changes { left: 1, ..NOTHING }));
}

#[test]
fn an_edit_that_is_tried_again_loads_nothing_that_has_refused_the_same_and_no_other_plugin_for_it() {
    let folder = two();
    let registry = folder.scan();
    let edit = || settings(&[("other", json!("!")), ("sound", json!({ "a": 1 }))]);
    let refused = registry.reconfigure(vec![folder.plugins()], edit());
    for _ in 0..3 {
        assert_eq!(registry.reconfigure_again(vec![folder.plugins()], edit()), refused);
    }
    assert_eq!(registry.reconfigure(vec![folder.plugins()], edit()), refused, "who asks gets another try");

    let aside = folder.build("aside.tmp", "defects.c", &["CONFIGURE=0", r#"NAME="other""#, r#"KIND="other.work""#]);
    fs::rename(aside, folder.plugins().join("b.so")).unwrap();
    let changes = registry.reconfigure_again(vec![folder.plugins()], edit());
    assert_eq!(changes, Ok(Changes { swapped: 2, ..NOTHING }), "another library may take it");
    let generations = (generation(&registry, "sound.work"), generation(&registry, "other.work"));
    assert_eq!(generations, (Some(4), Some(4)), "two tries in vain each");
}

#[test]
fn a_copy_that_is_thrown_away_is_shut_down() {
    let folder = Folder::new();
    let pipes = ["a", "b"].map(|name| folder.root.path().join(name));
    let made = Command::new("mkfifo").args(&pipes).status().unwrap();
    assert!(made.success());
    let [ended_a, ended_b] = pipes.each_ref().map(|pipe| format!("ENDED=\"{}\"", pipe.display()));
    folder.build("a.so", "defects.c", &[CHOOSY, &ended_a]);
    folder.build("b.so", "defects.c", &[CHOOSY, r#"NAME="other""#, r#"KIND="other.work""#, &ended_b]);
    let registry = folder.scan();
    let edit = settings(&[("other", json!("!")), ("sound", json!({ "a": 1 }))]);
    registry.reconfigure(vec![folder.plugins()], edit).unwrap_err();
    // Reading waits for who writes.
    assert_eq!(pipes.map(|pipe| fs::read_to_string(pipe).unwrap()), ["1000", "1000"]);
}

#[test]
fn a_plugin_that_was_refused_for_what_a_secret_says_is_tried_again_when_that_says_something_else() {
    let mut folder = two();
    let secret = folder.root.path().join("secret");
    fs::write(&secret, "!").unwrap();
    folder.settings = settings(&[("other", json!({ "key": format!("${{file:{}}}", secret.display()) }))]);
    let registry = folder.scan();
    assert_eq!(generation(&registry, "other.work"), None);
    assert_eq!(registry.follow_secrets(), (NOTHING, vec![]), "the secret says the same");
    fs::write(&secret, "right").unwrap();
    assert_eq!(registry.follow_secrets(), (Changes { loaded: 1, ..NOTHING }, vec![]));
    assert_eq!(generation(&registry, "other.work"), Some(2), "each secret was tried once");
}
