//! Asks loops whether they still turn: each answers where it waits, so one that is stuck does not.
//!
//! Not here: what follows from it (`services::watchdog`). Start at [`Pulse::turn`].

use std::convert::Infallible;

use tokio::sync::watch;

/// Asks.
#[derive(Debug, Default)]
pub struct Pulse {
    asked: watch::Sender<u64>,
    loops: Vec<(&'static str, watch::Receiver<u64>)>,
}

/// Answers for one loop. One by `default` is never asked.
#[derive(Debug)]
pub struct Beat {
    asked: watch::Receiver<u64>,
    answered: watch::Sender<u64>,
}

impl Pulse {
    /// A loop that is to be asked from now on, until it drops this.
    pub fn beat_of(&mut self, name: &'static str) -> Beat {
        let (answered, answers) = watch::channel(*self.asked.borrow());
        self.loops.push((name, answers));
        Beat { asked: self.asked.subscribe(), answered }
    }

    /// Asks every loop, and ends when each has answered or is over.
    /// # Cancel safety
    /// Dropping the future leaves the question: [`Pulse::silent`] tells who has not answered it yet.
    pub async fn turn(&mut self) {
        self.asked.send_modify(|number| *number += 1);
        let number = *self.asked.borrow();
        for (_, answers) in &mut self.loops {
            // An error: the loop is over.
            drop(answers.wait_for(|answered| *answered >= number).await);
        }
    }

    /// The loops that have not answered the last question.
    pub fn silent(&self) -> Vec<&'static str> {
        let number = *self.asked.borrow();
        let is_silent = |answers: &watch::Receiver<u64>| *answers.borrow() < number && answers.has_changed().is_ok();
        self.loops.iter().filter(|(_, answers)| is_silent(answers)).map(|(name, _)| *name).collect()
    }
}

impl Beat {
    /// Answers whenever it is asked, and never ends: an arm of the `select!` in which the loop waits.
    pub async fn answer(&mut self) -> Infallible {
        while self.asked.changed().await.is_ok() {
            let number = *self.asked.borrow_and_update();
            self.answered.send_replace(number);
        }
        std::future::pending().await
    }
}

impl Default for Beat {
    fn default() -> Self {
        Pulse::default().beat_of("")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_loop_that_waits_answers_and_one_that_is_stuck_does_not() {
        let mut pulse = Pulse::default();
        let (mut waits, stuck) = (pulse.beat_of("waits"), pulse.beat_of("stuck"));
        tokio::spawn(async move { waits.answer().await });
        tokio::select! {
            () = pulse.turn() => panic!("a loop has not answered"),
            () = tokio::task::yield_now() => {}
        }
        tokio::task::yield_now().await;
        assert_eq!(pulse.silent(), ["stuck"]);
        drop(stuck);
        pulse.turn().await;
        assert!(pulse.silent().is_empty());
    }

    #[tokio::test]
    async fn a_question_from_before_the_loop_waits_is_answered_when_it_does() {
        let mut pulse = Pulse::default();
        let mut beat = pulse.beat_of("busy");
        let busy = async {
            tokio::task::yield_now().await;
            match beat.answer().await {}
        };
        tokio::select! {
            biased;
            () = pulse.turn() => {}
            () = busy => {}
        }
    }
}
