//! A page of customers, as the API lists them.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::CustomerId;
use super::answer::Attempt;
use super::image::Image;
use super::resource::Resource;

/// The customers of a whole page: the most that the API lists at once.
pub(crate) const CUSTOMERS_PER_PAGE: usize = 100;

/// A page of customers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CustomerPage {
    /// The customers in the order of the page, at most [`CUSTOMERS_PER_PAGE`].
    pub(crate) customers: Vec<(CustomerId, Image)>,
    /// The number of customers on all pages, if the page tells it.
    pub(crate) total: Option<u64>,
}

/// A request for a page of customers and its answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PageAnswered {
    /// The request and its answer.
    pub(crate) attempt: Attempt,
    /// The page, if the answer is one.
    pub(crate) page: Result<CustomerPage, PageError>,
}

/// The reason why an answer is no page of customers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PageError {
    /// There is no answer, it has another status than 200, or it says that something failed.
    #[error("there is no page")]
    NoPage,
    /// The body is longer than the limit.
    #[error("the page is too long")]
    TooLong,
    /// The body is neither an array nor an object with one `data` that is an array, or its total is
    /// no whole number.
    #[error("it is no list of customers")]
    NoList,
    /// It shows more customers than were asked for.
    #[error("it shows more than {CUSTOMERS_PER_PAGE} customers")]
    TooMany,
    /// An element is no object with the id of a customer.
    #[error("it shows something else than customers")]
    NoCustomer,
}

/// The object around the customers. The API's pages do not say where the total is: it is in `meta` or
/// beside `data`.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    data: Vec<&'a RawValue>,
    meta: Option<Meta>,
    total: Option<u64>,
}

#[derive(Deserialize)]
struct Meta {
    total: Option<u64>,
}

impl CustomerPage {
    /// Reads the body of an answer to a request for a page: an object whose `data` is an array of
    /// customers, or the array itself.
    pub(crate) fn of_answer(body: &[u8]) -> Result<CustomerPage, PageError> {
        let (shown, total) = match body.trim_ascii_start().first() {
            Some(b'[') => (read::<Vec<&RawValue>>(body)?, None),
            Some(b'{') => {
                let Envelope { data, meta, total } = read(body)?;
                (data, meta.and_then(|meta| meta.total).or(total))
            }
            _ => return Err(PageError::NoList),
        };
        if shown.len() > CUSTOMERS_PER_PAGE {
            return Err(PageError::TooMany);
        }
        let customers = shown.into_iter().map(customer);
        let customers = customers.collect::<Option<_>>();
        let customers = customers.ok_or(PageError::NoCustomer)?;
        Ok(CustomerPage { customers, total })
    }
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, PageError> {
    // The error would quote the body.
    serde_json::from_slice(body).map_err(|_error| PageError::NoList)
}

/// Returns a customer of a page.
fn customer(json: &RawValue) -> Option<(CustomerId, Image)> {
    let json = json.get();
    if !json.starts_with('{') {
        return None;
    }
    let shown: Resource<'_> = serde_json::from_str(json).ok()?;
    Some((shown.id()?, Image::of(&shown)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ids and the total of a page.
    fn read_as(body: &str) -> Result<(Vec<u64>, Option<u64>), PageError> {
        let page = CustomerPage::of_answer(body.as_bytes())?;
        let ids = page.customers.iter().map(|(id, _)| id.get());
        Ok((ids.collect(), page.total))
    }

    #[test]
    fn the_customers_are_data_or_the_array_itself() {
        let check = |body: &str, ids: &[u64], total: Option<u64>| {
            assert_eq!(read_as(body), Ok((ids.to_vec(), total)), "{body}");
        };
        check(
            r#"{"success":"ok","data":[{"id":7},{"id":"9"}],"meta":{"page":1,"total":250}}"#,
            &[7, 9],
            Some(250),
        );
        check(r#"{"total":3,"data":[{"job":"x","id":7}]}"#, &[7], Some(3));
        check(
            r#"{"data":[],"meta":{"total":null},"total":0}"#,
            &[],
            Some(0),
        );
        check(r#"{"data":[{"id":7}],"meta":null}"#, &[7], None);
        check(" [{\"id\":7},{\"id\":7}]\n", &[7, 7], None);
        check("[]", &[], None);
    }

    #[test]
    fn all_else_is_no_page() {
        let check = |body: &str, want: PageError| {
            assert_eq!(read_as(body), Err(want), "{body}");
        };
        for body in [
            "",
            "<html>",
            "7",
            "{}",
            r#"{"success":"ok","data":{"id":7}}"#,
            r#"{"success":"ok","data":null}"#,
            r#"{"data":[{"id":7}],"data":[]}"#,
            r#"{"data":[],"total":"12"}"#,
            r#"{"data":[],"total":-1}"#,
            r#"{"data":[],"meta":{"total":1.5}}"#,
            r#"{"data":[{"id":7}"#,
            "[{\"id\":7}] x",
        ] {
            check(body, PageError::NoList);
        }
        for body in [
            "[7]",
            "[[7]]",
            "[null]",
            r#"[{"id":7},{"job":"x"}]"#,
            r#"[{"id":0}]"#,
            r#"[{"id":7,"id":8}]"#,
            r#"[{"id":7,"job":"\ud83d"}]"#,
        ] {
            check(body, PageError::NoCustomer);
        }
        let many = |count| format!("[{}]", vec![r#"{"id":7}"#; count].join(","));
        assert!(read_as(&many(CUSTOMERS_PER_PAGE)).is_ok());
        check(&many(CUSTOMERS_PER_PAGE + 1), PageError::TooMany);
        check(&"[".repeat(100_000), PageError::NoList);
    }

    #[test]
    fn a_page_shows_a_customer_as_a_read_does() {
        let customer = r#"{"id":7,"job":"Zo\u00eb","email":null,"related_user":{"id":3},"country_name":"Country 4"}"#;
        let page = CustomerPage::of_answer(format!(r#"{{"data":[{customer}]}}"#).as_bytes());
        let id = CustomerId::new(7).expect("an id");
        let read = Image::of_answer(format!(r#"{{"data":{customer}}}"#).as_bytes(), id);
        let read = read.expect("the customer is shown");
        assert_eq!(page.expect("a page").customers, [(id, read)]);
    }

    #[test]
    fn a_page_that_is_cut_off_is_none() {
        let body = r#"{"data":[{"id":7,"job":"a\nb","related_user":null}],"meta":{"total":1}}"#;
        for end in 0..body.len() {
            let cut = &body.as_bytes()[..end];
            assert_eq!(CustomerPage::of_answer(cut), Err(PageError::NoList));
        }
        assert!(read_as(body).is_ok());
    }
}
