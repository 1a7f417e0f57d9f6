//! `taskhost plugins check`.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use super::args::PluginsCheckArgs;
use super::failure::{Exit, Failure};
use super::output::Output;
use super::render::{fields, tame};
use crate::boot::tools::{self, Checked, Finding, KindManifest, Manifest, Param, Severity};

/// Shows what there is to say of a library; well if a host can use it.
pub(super) fn check(args: &PluginsCheckArgs, json: bool, output: &mut Output<'_>) -> Result<(), Failure> {
    must_be_there(&args.file)?;
    let checked = tools::check(&args.file).map_err(|error| Failure::reported(Exit::Failed, error.report()))?;
    let file = args.file.display().to_string();
    output.data(&if json { document(&file, &checked) } else { report(&file, &checked) })?;
    if checked.usable { Ok(()) } else { Err(Failure::reported(Exit::Failed, String::new())) }
}

/// A library that is not there is another failure than one that is no good.
pub(super) fn must_be_there(library: &Path) -> Result<(), Failure> {
    if library.exists() {
        return Ok(());
    }
    Err(Failure::new(Exit::NotFound, format!("there is no library {}", library.display()))
        .hint("name the shared library that the build has made, such as target/debug/libthumbs.so"))
}

fn document(file: &str, checked: &Checked) -> String {
    let Checked { usable, manifest, findings } = checked;
    format!("{}\n", json!({ "file": file, "usable": usable, "manifest": manifest, "findings": findings }))
}

fn report(file: &str, checked: &Checked) -> String {
    let mut text = checked.manifest.as_ref().map(plugin).unwrap_or_default();
    checked.findings.iter().for_each(|finding| push_finding(&mut text, finding));
    let verdict = if checked.usable { "a host can use it" } else { "no host can use it" };
    text + &format!("{}: {verdict}\n", tame(file))
}

fn plugin(manifest: &Manifest) -> String {
    let mut text = fields(&[
        ("plugin", format!("{} {}", manifest.name, manifest.version).trim_end().to_owned()),
        ("abi", format!("1.{}; works with hosts from 1.{}", manifest.abi_minor, manifest.min_host_minor)),
        ("panics", "end the task that panics, not the host".to_owned()),
        ("size", size(manifest.bytes)),
        ("config", if manifest.takes_config { "yes, [plugins.<name>] config" } else { "" }.to_owned()),
    ]);
    text.push('\n');
    for manifest in &manifest.kinds {
        text += &kind(manifest);
        text.push('\n');
    }
    text
}

fn kind(kind: &KindManifest) -> String {
    let meta = &kind.meta;
    let mut text = format!("{}  {}\n", kind.name, tame(&said(meta, "title")));
    let runs = match (kind.is_blocking(), kind.is_isolated()) {
        (false, false) => "",
        (true, false) => "blocking",
        (false, true) => "isolated",
        (true, true) => "blocking, isolated",
    };
    let retry = meta.get("retry").and_then(Value::as_object);
    let retry = retry.map(|retry| retry.iter().map(|(key, value)| format!("{key} {}", word(value))).collect());
    let retry: Vec<String> = retry.unwrap_or_default();
    let timeout = meta.get("timeout_ms").filter(|millis| millis.as_u64() != Some(0));
    let details = fields(&[
        ("runs", runs.to_owned()),
        ("retry", retry.join(", ")),
        ("timeout", timeout.map(|millis| format!("{} ms", word(millis))).unwrap_or_default()),
        ("queue", said(meta, "queue")),
        ("counts", said(meta, "unit")),
        ("params", meta.get("params_schema").map(|schema| params(tools::params(schema))).unwrap_or_default()),
    ]);
    for line in details.lines() {
        writeln!(text, "  {}", line.trim_end()).expect("a String takes all text");
    }
    text
}

/// The params, a line each.
pub(super) fn params(params: impl Iterator<Item = Param>) -> String {
    let lines = params.map(|param| {
        let Param { name, kind, description, required, default } = param;
        let need = match (required, default) {
            (true, _) => ", required".to_owned(),
            // That nothing is said if nothing is said is known.
            (false, Some(default)) if !default.is_null() => format!(", default {default}"),
            (false, _) => String::new(),
        };
        let line = format!("{name} ({kind}{need})");
        if description.is_empty() { line } else { format!("{line}: {}", description.replace('\n', " ")) }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The text at a key; empty if there is none.
fn said(meta: &Value, key: &str) -> String {
    meta.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// JSON without the quotes of a text.
fn word(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn size(bytes: u64) -> String {
    if bytes < 1 << 20 {
        return format!("{} KiB", bytes.div_ceil(1024));
    }
    let tenths = bytes.saturating_mul(10) >> 20;
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}

fn push_finding(text: &mut String, finding: &Finding) {
    let word = match finding.severity {
        Severity::Error => "error",
        Severity::Note => "note",
    };
    writeln!(text, "{word}: {}", tame(&finding.message)).expect("a String takes all text");
    if let Some(hint) = &finding.hint {
        writeln!(text, "hint: {}", tame(hint)).expect("a String takes all text");
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(usable: bool, findings: Value) -> Checked {
        let manifest = json!({
            "name": "image", "version": "1.2.0", "config_schema": null, "takes_config": true, "abi_minor": 1,
            "min_host_minor": 0, "flags": 0, "bytes": 3_500_000, "kinds": [{ "name": "image.resize", "flags": 3, "meta": {
                "title": "Resize", "timeout_ms": 120_000, "retry": { "attempts": 5, "backoff": "fixed" }, "unit": "tiles",
                "params_schema": { "required": ["src"], "properties": {
                    "src": { "type": "string", "description": "the file" }, "width": { "type": "integer", "default": 800 },
                } },
            } }],
        });
        let findings = serde_json::from_value::<Vec<(bool, String)>>(findings).unwrap();
        let finding = |(is_error, message): (bool, String)| {
            let severity = if is_error { Severity::Error } else { Severity::Note };
            Finding { severity, message, hint: Some("do better".to_owned()) }
        };
        let findings = findings.into_iter().map(finding).collect();
        Checked { usable, manifest: usable.then(|| serde_json::from_value(manifest).unwrap()), findings }
    }

    #[test]
    fn a_report_shows_everything_of_every_kind() {
        let expected = "\
plugin  image 1.2.0
abi     1.1; works with hosts from 1.0
panics  end the task that panics, not the host
size    3.3 MiB
config  yes, [plugins.<name>] config

image.resize  Resize
  runs     blocking, isolated
  retry    attempts 5, backoff fixed
  timeout  120000 ms
  counts   tiles
  params   src (string, required): the file
           width (integer, default 800)

note: it is large
hint: do better

libimage.so: a host can use it
";
        assert_eq!(report("libimage.so", &checked(true, json!([[false, "it is large"]]))), expected);
    }

    #[test]
    fn a_library_that_is_no_good_is_told_why() {
        let refused = checked(false, json!([[true, "it is empty"]]));
        assert_eq!(report("x.so", &refused), "error: it is empty\nhint: do better\n\nx.so: no host can use it\n");
        let expected = json!({
            "file": "x.so", "usable": false, "manifest": null,
            "findings": [{ "severity": "error", "message": "it is empty", "hint": "do better" }],
        });
        assert_eq!(serde_json::from_str::<Value>(&document("x.so", &refused)).unwrap(), expected);
    }
}
