//! Going through Stripe's lists, page by page, newest first.

use super::error::{CallError, Trouble};
use super::view::{Named, Page};

/// How much of a list is looked through: more means that the question was wrong.
const PAGES_MOST: usize = 100;

/// What one page holds at most.
pub(super) const PAGE: i64 = 100;

/// Goes through a list until `take` makes something of one of its objects. `None` is only said
/// when the whole list was seen.
pub(super) async fn look_through<V: Named, T>(
    ask: impl AsyncFn(Option<String>) -> Result<Page<V>, CallError>,
    mut take: impl FnMut(&V) -> Option<T>,
) -> Result<Option<T>, CallError> {
    let mut after: Option<String> = None;
    for _ in 0..PAGES_MOST {
        let page = ask(after.take()).await?;
        if let Some(found) = page.data.iter().find_map(&mut take) {
            return Ok(Some(found));
        }
        let last = page.data.last().map(|last| last.id().to_owned());
        match last {
            Some(last) if page.has_more => after = Some(last),
            _ => return Ok(None),
        }
    }
    let why = "a list too long to be looked through";
    Err(Trouble::Unanswered(why.to_owned()).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateways::stripe::view::RefundView;

    fn refund(id: usize) -> RefundView {
        serde_json::from_value(serde_json::json!({ "id": format!("re_{id}") })).unwrap()
    }

    /// Looks for a refund in pages of two of a list of so many.
    async fn look_for(wanted: usize, all: usize) -> Result<Option<String>, CallError> {
        let ask = async |after: Option<String>| {
            let first = after.map_or(0, |after| {
                after.trim_start_matches("re_").parse::<usize>().unwrap() + 1
            });
            let end = all.min(first + 2);
            Ok(Page {
                data: (first..end).map(refund).collect(),
                has_more: end < all,
            })
        };
        let wanted = format!("re_{wanted}");
        look_through(ask, |it: &RefundView| {
            (it.id == wanted).then(|| it.id.clone())
        })
        .await
    }

    #[tokio::test]
    async fn what_is_on_any_page_is_found() {
        for wanted in [0, 1, 2, 4] {
            let found = look_for(wanted, 5).await.unwrap();
            assert_eq!(found, Some(format!("re_{wanted}")));
        }
        assert_eq!(look_for(5, 5).await.unwrap(), None);
        assert_eq!(look_for(0, 0).await.unwrap(), None);
    }

    #[tokio::test]
    async fn what_was_not_looked_through_is_not_missing() {
        let error = look_for(1_000, 1_000).await.unwrap_err();
        assert!(matches!(error.trouble, Trouble::Unanswered(_)));
    }
}
