//! The condition of a request that changes a customer only as its client knows it (RFC 9110
//! §13.1.1).

use axum::http::HeaderMap;
use axum::http::header::IF_MATCH;

/// The condition of an `If-Match`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum IfMatch {
    /// `*`: the customer exists.
    Any,
    /// The customer has one of these entity tags. A weak tag is none of a customer's.
    OneOf(Vec<String>),
}

impl IfMatch {
    /// The condition of a request, if it has one.
    pub(super) fn of(headers: &HeaderMap) -> Option<IfMatch> {
        let values: Vec<_> = headers
            .get_all(IF_MATCH)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()))
            .collect();
        if values.is_empty() {
            return None;
        }
        let items = values.iter().flat_map(|value| value.split(','));
        let items: Vec<String> = items.map(|item| item.trim().to_owned()).collect();
        Some(if items == ["*"] {
            IfMatch::Any
        } else {
            IfMatch::OneOf(items)
        })
    }

    /// Whether a customer with this entity tag may be changed.
    pub(super) fn holds_for(&self, tag: &str) -> bool {
        match self {
            IfMatch::Any => true,
            IfMatch::OneOf(tags) => tags.iter().any(|known| known == tag),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header::IF_MATCH;
    use axum::http::{HeaderMap, HeaderValue};

    use super::IfMatch;

    #[test]
    fn a_condition_names_tags_or_any() {
        let check = |values: &[&'static str], want: Option<bool>| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(IF_MATCH, HeaderValue::from_static(value));
            }
            let found = IfMatch::of(&headers).map(|condition| condition.holds_for("\"7-1\""));
            assert_eq!(found, want, "{values:?}");
        };
        check(&[], None);
        check(&["*"], Some(true));
        check(&["\"7-1\""], Some(true));
        check(&["\"7-0\""], Some(false));
        check(&["\"7-0\", \"7-1\""], Some(true));
        check(&["\"7-0\"", "\"7-1\""], Some(true));
        check(&["W/\"7-1\""], Some(false));
        check(&["7-1"], Some(false));
        check(&[""], Some(false));
        check(&["*", "\"7-0\""], Some(false));
    }
}
