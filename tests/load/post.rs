//! The mails that arrived, counted over several folders, and which of them were cut.

use std::collections::HashMap;
use std::path::Path;

use type_safe_id::{DynamicType, TypeSafeId};

use crate::support::{Database, Kind};

/// How often each mail was written into a folder, and how often its sender died over it.
#[derive(Default)]
pub struct Post {
    times: HashMap<String, u32>,
    cuts: HashMap<String, u32>,
}

/// An id as the database has it.
pub fn literal(kind: Kind, id: &str) -> String {
    let id: TypeSafeId<DynamicType> = id.parse().unwrap();
    match kind {
        Kind::Sqlite => format!("x'{}'", id.uuid().simple()),
        Kind::Postgres => format!("'{}'", id.uuid()),
    }
}

impl Post {
    /// Counts what one server has left in its folder; answers how many of these mails are not
    /// known to be sent.
    pub async fn collect(&mut self, database: &Database, folder: &Path) -> usize {
        let mut cut = 0;
        for file in std::fs::read_dir(folder).unwrap() {
            let file = file.unwrap().path();
            let id = file.file_stem().unwrap().to_str().unwrap().to_owned();
            let row = literal(database.kind, &id);
            let sent = format!("SELECT count(*) FROM emails WHERE status = 'sent' AND id = {row}");
            if database.count(&sent).await == 0 {
                cut += 1;
                *self.cuts.entry(id.clone()).or_default() += 1;
            } else {
                let mail = std::fs::read_to_string(&file).unwrap();
                assert!(mail.trim_end().ends_with("--"), "half a mail: {mail}");
            }
            *self.times.entry(id).or_default() += 1;
        }
        cut
    }

    /// How often a sender died over a mail.
    pub fn cuts(&self) -> u32 {
        self.cuts.values().sum()
    }

    /// No mail is lost, and none came twice but those whose sender died over them.
    pub async fn expect_complete(&self, database: &Database) {
        let all = database.count("SELECT count(*) FROM emails").await;
        let sent = "SELECT count(*) FROM emails WHERE status = 'sent'";
        assert_eq!(database.count(sent).await, all);
        assert_eq!(i64::try_from(self.times.len()).unwrap(), all);
        for (id, times) in &self.times {
            let cuts = self.cuts.get(id).copied().unwrap_or_default();
            assert_eq!(*times, 1 + cuts, "{id}");
        }
    }
}
