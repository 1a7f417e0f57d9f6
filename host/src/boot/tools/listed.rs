//! The follow-up tasks of a run without a daemon: checked as there, then shown, not run.

use std::sync::Arc;

use taskhost_core::ids::{QueueName, TaskId};
use taskhost_core::priority::Priority;
use taskhost_core::retry::RetryPolicy;
use taskhost_core::submit::NewTask;

use crate::follow_ups;
use crate::plugins::{FollowUp, FollowUps, Kind, Kinds};

/// Takes follow-ups of every kind and for every queue, since those of others are not known here. They are only shown: secrets are
/// hidden, and where they would wait is of no interest.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) kinds: Arc<dyn Kinds>,
    pub(super) task: TaskId,
}

impl FollowUps for Listed {
    fn prepare(&self, parent: &Kind, asked: &FollowUp<'_>) -> Result<NewTask, String> {
        let (kind, params, _wishes) = follow_ups::read(parent, asked, &*self.kinds)?;
        let mut shown = params.value().to_string().into_bytes();
        if let Some(known) = self.kinds.find(&kind) {
            if let Some(error) = known.check_params(params.value()).first() {
                let (pointer, message) = (&error.pointer, &error.message);
                return Err(format!("its params do not fit the kind `{kind}`: at `{pointer}`: {message}"));
            }
            shown = known.shown_params(shown);
        }
        Ok(NewTask {
            id: self.task,
            kind,
            queue: QueueName::default(),
            priority: Priority::default(),
            params: shown,
            refers: false,
            run_at: None,
            expires_at: None,
            timeout: None,
            retry: RetryPolicy::default(),
            tags: Vec::new(),
            origin: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use taskhost_core::ids::KindName;
    use taskhost_core::time::UnixMicros;

    use super::*;
    use crate::chance::Chance;
    use crate::plugins::PluginView;

    #[derive(Debug)]
    struct Nothing;

    impl Kinds for Nothing {
        fn find(&self, _: &KindName) -> Option<Arc<Kind>> {
            None
        }

        fn all(&self) -> Vec<Arc<Kind>> {
            Vec::new()
        }

        fn plugins(&self) -> Vec<PluginView> {
            Vec::new()
        }
    }

    fn list(options: &str) -> Result<NewTask, String> {
        let listed =
            Listed { kinds: Arc::new(Nothing), task: Chance::default().task_id(UnixMicros::from_micros(1_000_000)) };
        let asked = FollowUp { kind: b"other.kind", params: b"{\"a\":1}", options: options.as_bytes() };
        listed.prepare(&Kind::fake("demo.work"), &asked)
    }

    #[test]
    fn a_wrong_option_is_refused_as_in_the_daemon() {
        let refused = list(r#"{"prioritty":"high"}"#).expect_err("there is no such option");
        assert_eq!(refused, "there is no option `prioritty`: did you mean `priority`?");
    }

    #[test]
    fn a_kind_and_a_queue_of_others_are_taken() {
        let listed = list(r#"{"queue":"theirs","delay":"1m"}"#).expect("all is well");
        assert_eq!((listed.kind.as_str(), &*listed.params), ("other.kind", &b"{\"a\":1}"[..]));
    }
}
