use std::rc::Rc;

use plugin_api::prelude::*;

#[task(name = "image.resize")]
async fn resize(cx: Context) -> TaskResult<()> {
    let here = Rc::new(1);
    cx.sleep(Duration::from_secs(1)).await;
    drop(here);
    Ok(())
}

plugin_api::plugin!(resize);

fn main() {}
