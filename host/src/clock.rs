//! The only room that asks for the time.
//!
//! Everything else takes the time as an argument or holds a [`Clock`], so that tests move it by hand.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant, SystemTime};

use taskhost_core::time::UnixMicros;

/// A wall clock that can be waited for.
pub trait Clock: Send + Sync + Debug {
    /// The time now.
    fn now(&self) -> UnixMicros;

    /// Ends when the wall clock reaches `time`, however it got there. Dropping the future is harmless.
    fn wait_until(&self, time: UnixMicros) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

/// A wall clock can be set; a sleeping timer would not notice. Waits are cut into pieces of this length.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

impl Clock for SystemClock {
    fn now(&self) -> UnixMicros {
        #[expect(clippy::disallowed_methods, reason = "the room of the clock")]
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        UnixMicros::from_micros(i64::try_from(since_1970.as_micros()).unwrap_or(i64::MAX))
    }

    fn wait_until(&self, time: UnixMicros) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            loop {
                let left = time.saturating_since(self.now());
                if left.is_zero() {
                    return;
                }
                sleep(left.min(LOOK_AGAIN)).await;
            }
        })
    }
}

/// The steady clock, for what is measured or limited inside one process.
pub fn monotonic() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "the room of the clock")]
    Instant::now()
}

/// Waits on the steady clock.
pub async fn sleep(duration: Duration) {
    #[expect(clippy::disallowed_methods, reason = "the room of the clock")]
    tokio::time::sleep(duration).await;
}
