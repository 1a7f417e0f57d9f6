//! `taskhost plugins`.

use serde::Deserialize;
use serde_json::{Value, json};
use taskhost_core::ids::KindName;
use taskhost_core::suggest::closest;

use super::check::params;
use super::client::Client;
use super::failure::{Exit, Failure};
use super::output::Output;
use super::render::{fields, tame, tame_json};
use super::table::{Column, table};
use crate::boot::tools;

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
    unit: Option<String>,
    params_schema: Value,
    held: Option<String>,
}

const HEADER: [Column; 5] = [
    Column::whole("KIND"),
    Column::spare("PLUGIN"),
    Column::spare("VERSION"),
    Column::spare("GENERATION"),
    Column::whole("DOES"),
];

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

/// Shows what a kind does and takes, or what a plugin is and has.
pub(super) async fn show(name: &KindName, json: bool, client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    let Listing { plugins } = client.get("/api/v1/plugins").await?.read()?;
    if let Some(plugin) = plugins.iter().find(|plugin| plugin.name == name.as_str()) {
        return output.data(&if json { tame_json(&plugin.document().to_string()) + "\n" } else { plugin.render() });
    }
    let mut kinds = plugins.iter().flat_map(|plugin| plugin.kinds.iter().map(move |kind| (plugin, kind)));
    let Some((plugin, found)) = kinds.find(|(_, found)| found.name == name.as_str()) else {
        let kinds = plugins.iter().flat_map(|plugin| &plugin.kinds).map(|kind| kind.name.as_str());
        let names = plugins.iter().map(|plugin| plugin.name.as_str()).chain(kinds);
        let hint = closest(name.as_str(), names).map(|similar| format!("did you mean `{similar}`?"));
        return Err(Failure::new(Exit::NotFound, format!("there is no plugin and no kind `{name}`"))
            .hint(hint.unwrap_or_else(|| "`taskhost plugins` lists what is loaded".to_owned())));
    };
    if json {
        return output.data(&(tame_json(&found.document(plugin).to_string()) + "\n"));
    }
    output.data(&found.render(plugin))
}

impl Plugin {
    fn document(&self) -> Value {
        let kinds: Vec<_> = self.kinds.iter().map(|kind| kind.document(self)).collect();
        json!({
            "name": self.name, "version": self.version, "generation": self.generation, "path": self.path,
            "error": self.error, "kinds": kinds,
        })
    }

    fn render(&self) -> String {
        let kind = |kind: &Kind| {
            let held = kind.held.as_ref().map(|held| format!(" (held: {held})")).unwrap_or_default();
            format!("{}: {}{held}", kind.name, kind.title)
        };
        fields(&[
            ("plugin", self.name.clone()),
            ("version", self.version.clone()),
            ("generation", self.generation.to_string()),
            ("library", self.path.clone()),
            ("refused", self.error.clone().unwrap_or_default()),
            ("kinds", self.kinds.iter().map(kind).collect::<Vec<_>>().join("\n")),
        ])
    }
}

impl Kind {
    fn document(&self, plugin: &Plugin) -> Value {
        json!({
            "name": self.name, "title": self.title, "plugin": plugin.name, "version": plugin.version,
            "generation": plugin.generation, "unit": self.unit, "held": self.held, "params_schema": self.params_schema,
        })
    }

    fn render(&self, plugin: &Plugin) -> String {
        fields(&[
            ("kind", self.name.clone()),
            ("does", self.title.clone()),
            ("plugin", format!("{} {}, generation {}", plugin.name, plugin.version, plugin.generation)),
            ("counts", self.unit.clone().unwrap_or_default()),
            ("held", self.held.clone().unwrap_or_default()),
            ("params", params(tools::params(&self.params_schema))),
        ])
    }
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
        Some(tame(&format!("refused: {}: {}\n{serving}", plugin.path, plugin.error.as_ref()?)))
    };
    plugins.iter().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_shown_with_its_params() {
        let listing = r#"{"plugins":[{"name":"files","version":"1.0.0","generation":2,"path":"p","error":null,"kinds":[
            {"name":"files.checksum","title":"Checksum of a file","unit":"bytes","held":null,"params_schema":{
                "required":["path"],"properties":{"path":{"type":"string","description":"the file"}}}}]}]}"#;
        let Listing { plugins } = serde_json::from_str(listing).unwrap();
        assert_eq!(
            plugins[0].kinds[0].render(&plugins[0]),
            "kind    files.checksum
does    Checksum of a file
plugin  files 1.0.0, generation 2
counts  bytes
params  path (string, required): the file
"
        );
    }

    #[test]
    fn a_plugin_is_shown_with_its_kinds() {
        let listing = r#"{"plugins":[{"name":"files","version":"1.0.0","generation":2,"path":"p/libfiles.so","error":"it is cut off",
            "kinds":[{"name":"files.checksum","title":"Hash a file.","unit":null,"params_schema":true,"held":null},
                     {"name":"files.hang","title":"Hang.","unit":null,"params_schema":true,"held":"runs only isolated"}]}]}"#;
        let Listing { plugins } = serde_json::from_str(listing).unwrap();
        assert_eq!(
            plugins[0].render(),
            "plugin      files
version     1.0.0
generation  2
library     p/libfiles.so
refused     it is cut off
kinds       files.checksum: Hash a file.
            files.hang: Hang. (held: runs only isolated)
"
        );
        assert_eq!(plugins[0].document()["kinds"][1]["name"], "files.hang");
    }

    #[test]
    fn kinds_are_rows_and_refused_plugins_are_told_beside() {
        let listing = r#"{"plugins":[
            {"name":"files","version":"1.0.0","generation":2,"path":"p/libfiles.so","sha256":"","error":null,"kinds":[
                {"name":"files.checksum","title":"Hash a file.","unit":null,"params_schema":true,"held":null},
                {"name":"files.hang","title":"","unit":null,"params_schema":true,"held":"runs only isolated"}]},
            {"name":"libx.so","version":"","generation":0,"path":"p/lib\u001bx.so","sha256":"","kinds":[],"error":"it is cut off"},
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
        let expected = "refused: p/lib\\u{1b}x.so: it is cut off\nrefused: p/libmail.so: it is empty\nmail generation 3 serves on\n";
        assert_eq!(refused(&plugins), expected);
    }
}
