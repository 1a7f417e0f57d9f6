//! The services as tasks of the runtime. A panic in one is a bug that must not go unseen: a daemon that takes work and never
//! runs it is worse than one that ended.

use std::collections::HashMap;
use std::future::Future;

use tokio::task::{AbortHandle, Id, JoinSet};

/// The running services.
#[derive(Debug, Default)]
pub(super) struct Services {
    running: JoinSet<()>,
    names: HashMap<Id, &'static str>,
}

impl Services {
    /// Starts one.
    pub(super) fn start(
        &mut self,
        name: &'static str,
        service: impl Future<Output = ()> + Send + 'static,
    ) -> AbortHandle {
        let handle = self.running.spawn(service);
        self.names.insert(handle.id(), name);
        handle
    }

    /// Ends when one has panicked, with its name. One that ends by itself or was stopped is well.
    pub(super) async fn panicked(&mut self) -> &'static str {
        while let Some(ended) = self.running.join_next().await {
            if let Err(error) = ended
                && error.is_panic()
            {
                return self.names.get(&error.id()).copied().unwrap_or("a service");
            }
        }
        std::future::pending().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_seen_and_a_good_end_is_none() {
        let mut services = Services::default();
        services.start("short", async {});
        services.start("stopped", std::future::pending()).abort();
        services.start("broken", async { panic!("as this test wants") });
        assert_eq!(services.panicked().await, "broken");
    }
}
