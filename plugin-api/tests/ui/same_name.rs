use plugin_api::prelude::*;

#[task(name = "image.resize")]
async fn resize() -> TaskResult<()> {
    Ok(())
}

#[task(name = "image.resize", blocking)]
fn crush() -> TaskResult<()> {
    Ok(())
}

plugin_api::plugin!(resize, crush);

fn main() {}
