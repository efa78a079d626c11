//! Many rows in one go.
//!
//! PostgreSQL gets an array for each column and makes the rows of them: one text, prepared once
//! for each connection, however many rows there are. On SQLite a statement that is prepared
//! once takes one row after the other.

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{BoxedSqlQuery, SqlQuery};
use diesel::sqlite::SqliteConnection;
use diesel_async::RunQueryDsl;

use super::{Cache, Conn, sql};

/// A statement of PostgreSQL's own.
pub type Statement<'a> = BoxedSqlQuery<'a, Pg, SqlQuery>;

/// A row of a table into which many go at once; made by [`bulk_row!`].
pub trait BulkRow: Send + Sync + Sized + 'static {
    const TABLE: &'static str;
    const COLUMNS: &'static [&'static str];

    /// Binds the columns of some rows, in the order of [`BulkRow::COLUMNS`].
    fn bind<'a>(statement: Statement<'a>, rows: &'a [Self]) -> Statement<'a>;

    fn insert(&self, conn: &mut SqliteConnection) -> QueryResult<usize>;
}

/// Inserts any number of rows of one table, inside a transaction; says how many.
pub async fn insert_all<R: BulkRow>(conn: &mut Conn, rows: Vec<R>) -> QueryResult<usize> {
    if rows.is_empty() {
        return Ok(0);
    }
    sql!(conn,
        sqlite: |c| {
            c.spawn_blocking(move |c| rows.iter().map(|row| row.insert(c)).sum()).await
        },
        postgres: |c| insert(&rows, "").cached().execute(c).await
    )
}

/// PostgreSQL's insert of some rows, and what follows it.
pub fn insert<'a, R: BulkRow>(rows: &'a [R], and_then: &str) -> Statement<'a> {
    let text = format!("{} {and_then}", insert_text(R::TABLE, R::COLUMNS));
    R::bind(diesel::sql_query(text).into_boxed(), rows)
}

fn insert_text(table: &str, columns: &[&str]) -> String {
    let names: Vec<String> = columns.iter().map(|name| format!("\"{name}\"")).collect();
    let arrays: Vec<String> = (1..=columns.len()).map(|n| format!("${n}")).collect();
    format!(
        "INSERT INTO {table} ({}) SELECT * FROM unnest({})",
        names.join(", "),
        arrays.join(", ")
    )
}

/// Declares a struct whose fields are the columns of a table, of which many rows are inserted
/// at once.
macro_rules! bulk_row {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident in $table:ident {
            $($(#[$about:meta])* $field_vis:vis $field:ident: $type:ty),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(diesel::Insertable)]
        #[diesel(table_name = $table)]
        $vis struct $name { $($(#[$about])* $field_vis $field: $type),+ }

        impl $crate::db::many::BulkRow for $name {
            const TABLE: &'static str = stringify!($table);
            const COLUMNS: &'static [&'static str] = &[$(stringify!($field)),+];

            fn bind<'a>(
                statement: $crate::db::many::Statement<'a>,
                rows: &'a [Self],
            ) -> $crate::db::many::Statement<'a> {
                $(
                    let column: Vec<&$type> = rows.iter().map(|row| &row.$field).collect();
                    let statement = statement.bind::<diesel::sql_types::Array<
                        diesel::dsl::SqlTypeOf<$table::$field>,
                    >, _>(column);
                )+
                statement
            }

            fn insert(
                &self,
                conn: &mut diesel::sqlite::SqliteConnection,
            ) -> diesel::QueryResult<usize> {
                let insert = diesel::insert_into($table::table).values(self);
                diesel::RunQueryDsl::execute($crate::db::Cache::cached(insert), conn)
            }
        }
    };
}
pub(crate) use bulk_row;

#[cfg(test)]
mod tests {
    use super::insert_text;

    #[test]
    fn an_insert_has_one_text_for_any_number_of_rows() {
        assert_eq!(
            insert_text("scans", &["id", "at"]),
            r#"INSERT INTO scans ("id", "at") SELECT * FROM unnest($1, $2)"#
        );
    }
}
