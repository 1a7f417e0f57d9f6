//! Reads a form (`multipart/form-data`) part by part; nothing is held in memory but the piece at hand.
//!
//! Not here: what the parts mean (`files`). Start at [`Form::open`].

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header;
use futures_util::stream::{self, Stream};
use http_body_util::BodyExt as _;
use multer::{Field, Multipart};

use super::body::refuse_coding;
use super::problem::{Problem, ProblemType};
use crate::clock::sleep;

/// How long the next piece of the body may take.
const PIECE_TIME: Duration = Duration::from_secs(30);

/// How much may come without a part or a piece of one: the head of a part, and what is read ahead.
const BETWEEN_MAX: usize = 256 << 10;

/// How much of a refused form is read and dropped: a client that is cut off while it writes never sees the answer.
const DROPPED_MAX: usize = 16 << 20;

/// How long that may take.
const DROP_TIME: Duration = Duration::from_secs(30);

/// A form that is read.
#[derive(Debug)]
pub(super) struct Form {
    parts: Multipart<'static>,
    came: Came,
}

/// How much of the body came.
#[derive(Debug, Clone, Default)]
struct Came(Arc<Counts>);

/// In bytes.
#[derive(Debug, Default)]
struct Counts {
    all: AtomicUsize,
    /// Since a part or a piece of one was seen.
    unseen: AtomicUsize,
}

impl Came {
    fn all(&self) -> usize {
        self.0.all.load(Relaxed)
    }

    /// A part or a piece of one was seen.
    fn seen(&self) {
        self.0.unseen.store(0, Relaxed);
    }

    /// Answers how much came before this since something was seen.
    fn add(&self, bytes: usize) -> usize {
        self.0.all.fetch_add(bytes, Relaxed);
        self.0.unseen.fetch_add(bytes, Relaxed)
    }
}

/// One part of a form.
#[derive(Debug)]
pub(super) struct Part {
    field: Field<'static>,
    came: Came,
}

/// Why the body does not go on.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("nothing came for {} s", PIECE_TIME.as_secs())]
    TooSlow,
    #[error("the head of a part is too long")]
    LongHead,
    #[error("the body ends early")]
    EndsEarly,
}

impl Form {
    /// Begins to read the body of a call.
    pub(super) fn open(request: Request) -> Result<Self, Problem> {
        refuse_coding(request.headers())?;
        let given = request.headers().get(header::CONTENT_TYPE).and_then(|given| given.to_str().ok());
        let boundary = multer::parse_boundary(given.unwrap_or_default()).map_err(|_| {
            let detail = given
                .map_or_else(|| "the body has no Content-Type".to_owned(), |given| format!("the body is `{given}`"));
            let hint = "send a form as `Content-Type: multipart/form-data` with its boundary";
            Problem::new(ProblemType::MediaType, detail).hint(hint)
        })?;
        let came = Came::default();
        Ok(Self { parts: Multipart::new(pieces(request.into_body(), came.clone()), boundary), came })
    }

    /// The next part; the one before it should have been read.
    pub(super) async fn next(&mut self) -> Result<Option<Part>, Problem> {
        let field = self.parts.next_field().await.map_err(|error| problem(&error))?;
        self.came.seen();
        Ok(field.map(|field| Part { field, came: self.came.clone() }))
    }

    /// Reads some more of a form that is refused, so that its sender looks at the answer.
    pub(super) async fn drop_rest(&mut self) {
        let most = self.came.all().saturating_add(DROPPED_MAX);
        let drop = async {
            while self.came.all() < most
                && let Ok(Some(mut part)) = self.next().await
            {
                while part.came.all() < most && matches!(part.piece().await, Ok(Some(_))) {}
            }
        };
        tokio::select! {
            () = drop => {}
            () = sleep(DROP_TIME) => {}
        }
    }
}

impl Part {
    /// Its name; empty if it has none.
    pub(super) fn name(&self) -> &str {
        self.field.name().unwrap_or_default()
    }

    /// The name of the file that it is, if it is one.
    pub(super) fn file_name(&self) -> Option<&str> {
        self.field.file_name()
    }

    /// The next piece of it.
    pub(super) async fn piece(&mut self) -> Result<Option<Bytes>, Problem> {
        let piece = self.field.chunk().await.map_err(|error| problem(&error))?;
        self.came.seen();
        Ok(piece)
    }

    /// The whole of it as text of at most `max` bytes.
    pub(super) async fn text(mut self, max: usize) -> Result<String, Problem> {
        let mut text = Vec::new();
        while let Some(piece) = self.piece().await? {
            if text.len() + piece.len() > max {
                let detail = format!("`{}` is longer than {max} bytes", self.name());
                return Err(Problem::new(ProblemType::BodyTooLarge, detail));
            }
            text.extend_from_slice(&piece);
        }
        let not_text = || Problem::new(ProblemType::InvalidForm, format!("`{}` is not UTF-8", self.name()));
        String::from_utf8(text).map_err(|_| not_text())
    }
}

/// The body, one piece at a look: whoever reads ahead without end would hold all of it in memory.
fn pieces(body: Body, came: Came) -> impl Stream<Item = Result<Bytes, Broken>> + Send {
    stream::try_unfold((body, came), |(mut body, came)| async move {
        tokio::task::yield_now().await;
        loop {
            let frame = tokio::select! {
                frame = body.frame() => frame,
                () = sleep(PIECE_TIME) => return Err(Broken::TooSlow),
            };
            let Some(frame) = frame else { return Ok(None) };
            let Ok(data) = frame.map_err(|_| Broken::EndsEarly)?.into_data() else { continue };
            if came.add(data.len()) > BETWEEN_MAX {
                return Err(Broken::LongHead);
            }
            return Ok(Some((data, (body, came))));
        }
    })
}

fn problem(error: &multer::Error) -> Problem {
    match error {
        multer::Error::StreamReadFailed(source) => {
            let slow = matches!(source.downcast_ref(), Some(Broken::TooSlow));
            let class = if slow { ProblemType::BodyTooSlow } else { ProblemType::InvalidForm };
            Problem::new(class, source.to_string())
        }
        multer::Error::IncompleteStream | multer::Error::IncompleteFieldData { .. } => {
            Problem::new(ProblemType::InvalidForm, "the form is not closed: its last boundary is missing")
        }
        other => Problem::new(ProblemType::InvalidForm, other.to_string()),
    }
}
