use plugin_api::prelude::*;

struct Settings {
    folder: String,
}

#[task(name = "image.resize")]
async fn resize() -> TaskResult<()> {
    Ok(())
}

plugin_api::plugin!(resize, String; config = Settings);

fn main() {}
