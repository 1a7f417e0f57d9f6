//! `taskhost plugins`.

use serde::Deserialize;

use super::client::Client;
use super::failure::Failure;
use super::output::Output;
use super::render::{table, tame};

#[derive(Debug, Deserialize)]
struct Listing {
    plugins: Vec<Plugin>,
}

#[derive(Debug, Deserialize)]
struct Plugin {
    name: String,
    version: String,
    generation: u32,
    path: String,
    kinds: Vec<Kind>,
    error: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Kind {
    name: String,
    title: String,
    held: Option<String>,
}

const HEADER: [&str; 5] = ["KIND", "PLUGIN", "VERSION", "GENERATION", "DOES"];

/// Lists the kinds; says beside which plugins were refused.
pub(super) async fn list(json: bool, client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    let answer = client.get("/api/v1/plugins").await?;
    if json {
        return output.data(&answer.text());
    }
    let Listing { plugins } = answer.read()?;
    output.data(&table(&HEADER, &rows(&plugins), output.screen()))?;
    output.note(&refused(&plugins));
    Ok(())
}

fn rows(plugins: &[Plugin]) -> Vec<Vec<String>> {
    let row = |plugin: &Plugin, kind: &Kind| {
        let does = kind.held.as_ref().map_or_else(|| kind.title.clone(), |held| format!("held: {held}"));
        vec![kind.name.clone(), plugin.name.clone(), plugin.version.clone(), plugin.generation.to_string(), does]
    };
    plugins.iter().flat_map(|plugin| plugin.kinds.iter().map(move |kind| row(plugin, kind))).collect()
}

fn refused(plugins: &[Plugin]) -> String {
    let line = |plugin: &Plugin| {
        let serving = match plugin.generation {
            0 => String::new(),
            generation => format!("{} generation {generation} serves on\n", plugin.name),
        };
        Some(format!("refused: {}: {}\n{serving}", plugin.path, tame(plugin.error.as_ref()?)))
    };
    plugins.iter().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_rows_and_refused_plugins_are_told_beside() {
        let listing = r#"{"plugins":[
            {"name":"files","version":"1.0.0","generation":2,"path":"p/libfiles.so","sha256":"","error":null,"kinds":[
                {"name":"files.checksum","title":"Hash a file.","unit":null,"params_schema":true,"held":null},
                {"name":"files.hang","title":"","unit":null,"params_schema":true,"held":"runs only isolated"}]},
            {"name":"libx.so","version":"","generation":0,"path":"p/libx.so","sha256":"","kinds":[],"error":"it is cut off"},
            {"name":"mail","version":"2","generation":3,"path":"p/libmail.so","sha256":"","kinds":[],"error":"it is empty"}
        ],"next_cursor":null}"#;
        let Listing { plugins } = serde_json::from_str(listing).unwrap();
        assert_eq!(
            table(&HEADER, &rows(&plugins), Some(80)),
            "KIND            PLUGIN  VERSION  GENERATION  DOES
files.checksum  files   1.0.0    2           Hash a file.
files.hang      files   1.0.0    2           held: runs only isolated
"
        );
        let expected =
            "refused: p/libx.so: it is cut off\nrefused: p/libmail.so: it is empty\nmail generation 3 serves on\n";
        assert_eq!(refused(&plugins), expected);
    }
}
