use plugin_api::prelude::*;

struct Resize {
    width: u32,
}

#[task(name = "image.resize")]
async fn resize(_params: Resize) -> TaskResult<()> {
    Ok(())
}

plugin_api::plugin!(resize);

fn main() {}
