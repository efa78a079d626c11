//! A database for each test, copied from one that was migrated once.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::OnceCell;
use tokio_postgres::NoTls;
use tollgate::app::App;
use tollgate::config::Config;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

/// A database that is gone with the test.
pub struct Database {
    pub url: String,
    pub kind: Kind,
    /// Kept until the test is over.
    #[expect(dead_code, reason = "its end removes the folder")]
    folder: Option<tempfile::TempDir>,
    name: Option<String>,
}

static SQLITE_TEMPLATE: OnceCell<PathBuf> = OnceCell::const_new();
static POSTGRES_TEMPLATE: OnceCell<String> = OnceCell::const_new();
static COUNT: AtomicU32 = AtomicU32::new(0);

impl Database {
    /// A migrated database; `None` when there is no PostgreSQL to make it on.
    pub async fn make(kind: Kind) -> Option<Self> {
        match kind {
            Kind::Sqlite => {
                let template = SQLITE_TEMPLATE.get_or_init(sqlite_template).await;
                let database = Self::sqlite();
                std::fs::copy(template, database.file()).unwrap();
                Some(database)
            }
            Kind::Postgres => {
                std::env::var("TEST_DATABASE_URL").ok()?;
                let template = POSTGRES_TEMPLATE.get_or_init(postgres_template).await;
                Some(Self::postgres(&format!("TEMPLATE {template}")).await)
            }
        }
    }

    /// A database with nothing in it.
    pub async fn make_empty(kind: Kind) -> Option<Self> {
        match kind {
            Kind::Sqlite => Some(Self::sqlite()),
            Kind::Postgres => {
                std::env::var("TEST_DATABASE_URL").ok()?;
                Some(Self::postgres("TEMPLATE template0").await)
            }
        }
    }

    fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            url: format!("sqlite:{}", folder.path().join("tollgate.db").display()),
            kind: Kind::Sqlite,
            folder: Some(folder),
            name: None,
        }
    }

    /// One that the test keeps itself.
    pub fn at(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            kind: match url.starts_with("sqlite:") {
                true => Kind::Sqlite,
                false => Kind::Postgres,
            },
            folder: None,
            name: None,
        }
    }

    pub fn file(&self) -> PathBuf {
        PathBuf::from(self.url.strip_prefix("sqlite:").unwrap())
    }

    async fn postgres(how: &str) -> Self {
        let name = next_name("t");
        execute(&format!("CREATE DATABASE {name} {how}")).await;
        Self {
            url: postgres_url(&name),
            kind: Kind::Postgres,
            folder: None,
            name: Some(name),
        }
    }

    /// Changes rows behind Tollgate's back.
    pub async fn execute(&self, statement: &str) {
        match self.kind {
            Kind::Sqlite => {
                use diesel::Connection;
                use diesel::connection::SimpleConnection;
                let path = self.file();
                let mut conn = diesel::SqliteConnection::establish(path.to_str().unwrap()).unwrap();
                conn.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
                conn.batch_execute(statement).unwrap();
            }
            Kind::Postgres => execute_at(&self.url, statement).await,
        }
    }

    /// Reads the column `text` of each row behind Tollgate's back.
    pub async fn texts(&self, query: &str) -> Vec<String> {
        match self.kind {
            Kind::Sqlite => {
                use diesel::{Connection, RunQueryDsl};
                #[derive(diesel::QueryableByName)]
                struct Row {
                    #[diesel(sql_type = diesel::sql_types::Text)]
                    text: String,
                }
                let path = self.file();
                let mut conn = diesel::SqliteConnection::establish(path.to_str().unwrap()).unwrap();
                let rows: Vec<Row> = diesel::sql_query(query).load(&mut conn).unwrap();
                rows.into_iter().map(|row| row.text).collect()
            }
            Kind::Postgres => {
                let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await.unwrap();
                let connection = tokio::spawn(connection);
                let rows = client.query(query, &[]).await.unwrap();
                drop(client);
                connection.await.unwrap().unwrap();
                rows.iter().map(|row| row.get("text")).collect()
            }
        }
    }

    /// All that is stored, to be searched.
    pub async fn dump(&self) -> String {
        match self.kind {
            Kind::Sqlite => {
                let beside = |end: &str| PathBuf::from(format!("{}{end}", self.file().display()));
                let files = [self.file(), beside("-wal")];
                let bytes = files.map(|file| std::fs::read(file).unwrap_or_default());
                String::from_utf8_lossy(&bytes.concat()).into_owned()
            }
            Kind::Postgres => {
                let query = "SELECT database_to_xml(true, false, '')::text AS text";
                self.texts(query).await.concat()
            }
        }
    }

    /// Reads one number behind Tollgate's back.
    pub async fn count(&self, query: &str) -> i64 {
        match self.kind {
            Kind::Sqlite => {
                use diesel::{Connection, RunQueryDsl};
                #[derive(diesel::QueryableByName)]
                struct Count {
                    #[diesel(sql_type = diesel::sql_types::BigInt)]
                    n: i64,
                }
                let path = self.file();
                let mut conn = diesel::SqliteConnection::establish(path.to_str().unwrap()).unwrap();
                let query = format!("SELECT ({query}) AS n");
                let count: Count = diesel::sql_query(query).get_result(&mut conn).unwrap();
                count.n
            }
            Kind::Postgres => {
                let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await.unwrap();
                let connection = tokio::spawn(connection);
                let query = format!("SELECT ({query})::bigint AS n");
                let count = client.query_one(&query, &[]).await.unwrap().get(0);
                drop(client);
                connection.await.unwrap().unwrap();
                count
            }
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let Some(name) = self.name.take() else { return };
        let drop = async move {
            execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        };
        std::thread::spawn(|| super::block_on(drop)).join().unwrap();
    }
}

fn next_name(prefix: &str) -> String {
    let count = COUNT.fetch_add(1, Ordering::SeqCst);
    format!("tollgate_{prefix}_{}_{count}", std::process::id())
}

fn postgres_url(database: &str) -> String {
    let url = std::env::var("TEST_DATABASE_URL").unwrap();
    let (server, _) = url.rsplit_once('/').unwrap();
    format!("{server}/{database}")
}

async fn execute(statement: &str) {
    let url = std::env::var("TEST_DATABASE_URL").unwrap();
    execute_at(&url, statement).await;
}

async fn execute_at(url: &str, statement: &str) {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    client.batch_execute(statement).await.unwrap();
    drop(client);
    connection.await.unwrap().unwrap();
}

fn config(url: String) -> Config {
    Config::from_lookup(move |name| (name == "DATABASE_URL").then(|| url.clone())).unwrap()
}

async fn sqlite_template() -> PathBuf {
    let folder = tempfile::tempdir().unwrap().keep();
    let file = folder.join("template.db");
    App::migrate(&config(format!("sqlite:{}", file.display())))
        .await
        .unwrap();
    file
}

async fn postgres_template() -> String {
    let name = next_name("template");
    execute(&format!("CREATE DATABASE {name} TEMPLATE template0")).await;
    App::migrate(&config(postgres_url(&name))).await.unwrap();
    name
}
