//! Where objects of one kind are kept, in the order in which they were made; and their lists.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::error::{ApiError, Outcome};
use super::params::Params;

/// An object with an id.
pub trait Kept: Clone {
    /// What Stripe calls its kind.
    const OBJECT: &'static str;
    /// What the parameter is called that names one in a path.
    const PARAM: &'static str;

    fn id(&self) -> &str;

    /// In unix seconds.
    fn created(&self) -> i64;
}

pub struct Shelf<T> {
    rows: Vec<T>,
    by_id: HashMap<String, usize>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            by_id: HashMap::new(),
        }
    }
}

impl<T: Kept> Shelf<T> {
    /// Keeps a new object, or what became of one.
    pub fn put(&mut self, row: T) {
        let known = self.by_id.get(row.id()).copied();
        if let Some(kept) = known.and_then(|index| self.rows.get_mut(index)) {
            *kept = row;
            return;
        }
        self.by_id.insert(row.id().to_owned(), self.rows.len());
        self.rows.push(row);
    }

    pub fn find(&self, id: &str) -> Option<&T> {
        self.rows.get(*self.by_id.get(id)?)
    }

    /// A copy of the object that a path names.
    pub fn get(&self, id: &str) -> Outcome<T> {
        let found = self.find(id).cloned();
        found.ok_or_else(|| ApiError::no_such(T::OBJECT, id, T::PARAM))
    }

    /// The newest first.
    pub fn newest(&self) -> impl Iterator<Item = &T> {
        self.rows.iter().rev()
    }

    /// The oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.rows.iter()
    }

    pub fn retain(&mut self, keep: impl Fn(&T) -> bool) {
        let before = self.rows.len();
        self.rows.retain(keep);
        if self.rows.len() != before {
            let rows = self.rows.iter().enumerate();
            self.by_id = rows
                .map(|(index, row)| (row.id().to_owned(), index))
                .collect();
        }
    }

    /// A page of those that `matches`.
    pub fn page(
        &self,
        page: &Page,
        url: &str,
        matches: impl Fn(&T) -> bool,
        show: impl Fn(&T) -> Value,
    ) -> Outcome<Value> {
        let mut rows: Vec<&T> = self
            .newest()
            .filter(|row| page.created.admits(row.created()) && matches(row))
            .collect();
        for (cursor, param) in [
            (&page.starting_after, "starting_after"),
            (&page.ending_before, "ending_before"),
        ] {
            if let Some(id) = cursor
                && self.find(id).is_none()
            {
                return Err(ApiError::unknown_value(T::OBJECT, id, param));
            }
        }
        if let Some(id) = &page.starting_after {
            let at = rows.iter().position(|row| row.id() == id);
            rows = rows.split_off(at.map_or(rows.len(), |at| at.saturating_add(1)));
        }
        let mut has_more = rows.len() > page.limit;
        if let Some(id) = &page.ending_before {
            let at = rows
                .iter()
                .position(|row| row.id() == id)
                .unwrap_or_default();
            rows.truncate(at);
            has_more = rows.len() > page.limit;
            rows = rows.split_off(rows.len().saturating_sub(page.limit));
        }
        rows.truncate(page.limit);
        let data: Vec<Value> = rows.into_iter().map(show).collect();
        Ok(json!({"object": "list", "data": data, "has_more": has_more, "url": url}))
    }
}

/// Which page of a list is asked for.
pub struct Page {
    limit: usize,
    starting_after: Option<String>,
    ending_before: Option<String>,
    created: Span,
}

/// A span of time in unix seconds.
#[derive(Default)]
struct Span {
    exactly: Option<i64>,
    gt: Option<i64>,
    gte: Option<i64>,
    lt: Option<i64>,
    lte: Option<i64>,
}

impl Span {
    fn admits(&self, at: i64) -> bool {
        self.exactly.is_none_or(|it| at == it)
            && self.gt.is_none_or(|least| at > least)
            && self.gte.is_none_or(|least| at >= least)
            && self.lt.is_none_or(|most| at < most)
            && self.lte.is_none_or(|most| at <= most)
    }
}

impl Page {
    pub fn read(params: &mut Params) -> Outcome<Self> {
        let limit = params.integer("limit")?.unwrap_or(10);
        let refuse = |message: String| {
            let error = ApiError::invalid("limit", message);
            Err(error.with("code", "parameter_invalid_integer"))
        };
        if limit < 1 {
            return refuse("This value must be greater than or equal to 1.".to_owned());
        }
        if limit > 100 {
            return refuse(format!(
                "This value must be less than or equal to 100 (it currently is '{limit}')."
            ));
        }
        Ok(Self {
            limit: usize::try_from(limit).unwrap_or(10),
            starting_after: params.text("starting_after")?,
            ending_before: params.text("ending_before")?,
            created: Self::read_created(params)?,
        })
    }

    fn read_created(params: &mut Params) -> Outcome<Span> {
        if !params.is_map("created") {
            let exactly = params.integer("created")?;
            return Ok(Span {
                exactly,
                ..Span::default()
            });
        }
        let Some(mut bounds) = params.map("created")? else {
            return Ok(Span::default());
        };
        let span = Span {
            exactly: None,
            gt: bounds.integer("gt")?,
            gte: bounds.integer("gte")?,
            lt: bounds.integer("lt")?,
            lte: bounds.integer("lte")?,
        };
        bounds.finish()?;
        Ok(span)
    }
}
