//! What `plugin!` is given.

plugin_api::plugin!();
plugin_api::plugin!(resize; confg = Settings);
plugin_api::plugin!(resize, config = Settings);
plugin_api::plugin! { name: "image", tasks: [resize] }
plugin_api::plugin!(resize; name = "my image");
plugin_api::plugin!(resize; name = "a", name = "b");

fn main() {}
