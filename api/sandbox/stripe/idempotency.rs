//! Idempotency keys: the first answer under a key is the only one, for a day.

use std::collections::HashMap;

use super::error::{ApiError, Outcome};

/// How long an answer is kept, by the sandbox's clock.
const KEPT_SECONDS: i64 = 24 * 60 * 60;
const LENGTH_MOST: usize = 255;

/// What a call under a key asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    pub path: String,
    pub body: Vec<u8>,
}

/// What was answered.
#[derive(Debug, Clone)]
pub struct Stored {
    pub status: u16,
    pub body: String,
    /// The call that was answered so first.
    pub request: String,
}

struct Entry {
    fingerprint: Fingerprint,
    at: i64,
    /// `None` while it is at work.
    answer: Option<Stored>,
}

#[derive(Default)]
pub struct Answers(HashMap<String, Entry>);

impl Answers {
    /// Takes a key for a call; the answer, where it has one already.
    pub fn claim(
        &mut self,
        key: &str,
        fingerprint: Fingerprint,
        now: i64,
    ) -> Outcome<Option<Stored>> {
        if key.len() > LENGTH_MOST {
            let message = "Idempotency keys can have up to 255 characters.";
            return Err(ApiError::key_reused(message));
        }
        let Some(entry) = self.0.get(key) else {
            let entry = Entry {
                fingerprint,
                at: now,
                answer: None,
            };
            self.0.insert(key.to_owned(), entry);
            return Ok(None);
        };
        if entry.fingerprint.path != fingerprint.path {
            let path = &entry.fingerprint.path;
            return Err(ApiError::key_reused(format!(
                "Keys for idempotent requests can only be used for the same endpoint they were \
                 first used for ('{path}' vs '{}'). Try using a key other than '{key}' if you meant \
                 to execute a different request.",
                fingerprint.path
            )));
        }
        if entry.fingerprint.body != fingerprint.body {
            return Err(ApiError::key_reused(format!(
                "Keys for idempotent requests can only be used with the same parameters they were \
                 first used with. Try using a key other than '{key}' if you meant to execute a \
                 different request."
            )));
        }
        match &entry.answer {
            Some(answer) => Ok(Some(answer.clone())),
            None => Err(ApiError::key_in_use(key)),
        }
    }

    pub fn keep(&mut self, key: &str, answer: Stored) {
        if let Some(entry) = self.0.get_mut(key) {
            entry.answer = Some(answer);
        }
    }

    /// Nothing was begun: the key is as if it had never been used.
    pub fn release(&mut self, key: &str) {
        self.0.remove(key);
    }

    pub fn prune(&mut self, now: i64) {
        self.0
            .retain(|_, entry| entry.at.saturating_add(KEPT_SECONDS) > now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(path: &str, body: &str) -> Fingerprint {
        let (path, body) = (path.to_owned(), body.as_bytes().to_vec());
        Fingerprint { path, body }
    }

    #[test]
    fn a_key_stands_for_one_call() {
        let mut answers = Answers::default();
        assert!(answers.claim("k", asked("/a", "x=1"), 0).unwrap().is_none());
        let busy = answers.claim("k", asked("/a", "x=1"), 0).err().unwrap();
        assert_eq!(busy.status, 409);
        let stored = Stored {
            status: 500,
            body: "no".to_owned(),
            request: "req_1".to_owned(),
        };
        answers.keep("k", stored);
        let again = answers.claim("k", asked("/a", "x=1"), 0).unwrap().unwrap();
        assert_eq!((again.status, again.body.as_str()), (500, "no"));
        for other in [asked("/a", "x=2"), asked("/b", "x=1")] {
            let refused = answers.claim("k", other, 0).err().unwrap();
            assert_eq!(
                (refused.status, refused.text("type").unwrap().as_str()),
                (400, "idempotency_error")
            );
        }
        answers.prune(KEPT_SECONDS - 1);
        assert!(answers.claim("k", asked("/a", "x=1"), 0).unwrap().is_some());
        answers.prune(KEPT_SECONDS);
        assert!(answers.claim("k", asked("/b", "x=9"), 0).unwrap().is_none());
    }
}
