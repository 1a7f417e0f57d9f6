use plugin_api::prelude::*;

struct Report {
    tiles: u32,
}

#[task(name = "image.resize")]
async fn resize() -> TaskResult<Report> {
    Ok(Report { tiles: 1 })
}

plugin_api::plugin!(resize);

fn main() {}
