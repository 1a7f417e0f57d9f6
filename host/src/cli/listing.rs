//! The lists of the daemon, read page by page.
//!
//! Not here: what stands in a row (each command). Start at [`Listing::read`].

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::client::{Client, misunderstood};
use super::failure::Failure;
use super::render::tame_json;

/// The most that the daemon puts on a page.
const PAGE_MAX: usize = 200;

/// A list, or its beginning.
#[derive(Debug)]
pub(super) struct Listing {
    plural: &'static str,
    rows: Vec<Box<RawValue>>,
    next_cursor: Option<String>,
}

impl Listing {
    /// Reads the list at `path` up to `most` rows, all if none is said. `plural` is what it calls them.
    pub(super) async fn read(
        client: &Client,
        path: &str,
        query: &[(&str, String)],
        plural: &'static str,
        most: Option<usize>,
    ) -> Result<Self, Failure> {
        let mut listing = Self { plural, rows: Vec::new(), next_cursor: None };
        loop {
            let wanted = most.map_or(PAGE_MAX, |most| most.saturating_sub(listing.rows.len()).min(PAGE_MAX));
            if wanted == 0 {
                return Ok(listing);
            }
            let mut query = query.to_vec();
            query.push(("limit", wanted.to_string()));
            query.extend(listing.next_cursor.take().map(|cursor| ("cursor", cursor)));
            let answer = client.get(&format!("{path}?{}", query_text(&query))).await?;
            let mut page: BTreeMap<String, Box<RawValue>> = answer.read()?;
            let rows = page.remove(plural).unwrap_or_default();
            let rows: Vec<Box<RawValue>> = serde_json::from_str(rows.get()).map_err(|error| misunderstood(&error))?;
            let cursor = page.remove("next_cursor").unwrap_or_default();
            listing.next_cursor = serde_json::from_str(cursor.get()).map_err(|error| misunderstood(&error))?;
            listing.rows.extend(rows);
            if listing.next_cursor.is_none() {
                return Ok(listing);
            }
        }
    }

    /// One document, as the daemon answers a page.
    pub(super) fn json(&self) -> String {
        let rows: Vec<&str> = self.rows.iter().map(|row| row.get()).collect();
        let cursor = serde_json::to_string(&self.next_cursor).expect("a text is JSON");
        tame_json(&format!("{{\"{}\":[{}],\"next_cursor\":{cursor}}}\n", self.plural, rows.join(",")))
    }

    /// The rows as what the command knows of them.
    pub(super) fn rows<T: DeserializeOwned>(&self) -> Result<Vec<T>, Failure> {
        self.rows.iter().map(|row| serde_json::from_str(row.get()).map_err(|error| misunderstood(&error))).collect()
    }

    /// Whether there may be more than these.
    pub(super) fn is_cut(&self) -> bool {
        self.next_cursor.is_some()
    }
}

/// The parameters of a call as they stand behind the question mark.
pub(super) fn query_text(query: &[(&str, String)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish()
}
