//! The answers of object storage that refuse a request, in words with what to do.
//!
//! The codes are those of the providers:
//! [S3](https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html),
//! [Google](https://cloud.google.com/storage/docs/xml-api/reference-status),
//! [Azure](https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes).

use std::fmt;

use crate::objects::address::Provider;

/// The most characters of a code.
const CODE_MAX: usize = 64;

/// The request that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    /// The object is read.
    Read,
    /// Objects are listed.
    List,
    /// The object is written.
    Write,
}

/// An answer that refuses a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub(super) provider: Provider,
    pub(super) operation: Operation,
    pub(super) status: u16,
    /// The provider's code for the error.
    pub(super) code: Option<String>,
    /// The region of the bucket, if the answer names it.
    pub(super) region: Option<String>,
}

impl Refusal {
    /// Whether the same request may be answered otherwise later.
    pub(crate) fn may_pass(&self) -> bool {
        may_pass(self.status)
    }

    /// Returns what is wrong, and what to do.
    fn words(&self) -> String {
        let code = self.code.as_deref().unwrap_or_default();
        match (code, self.status) {
            (
                "PermanentRedirect"
                | "TemporaryRedirect"
                | "AuthorizationHeaderMalformed"
                | "IllegalLocationConstraintException",
                _,
            )
            | ("", 301 | 307) => match &self.region {
                Some(region) => {
                    format!("the bucket is in the region {region}: set AWS_REGION={region}")
                }
                None => "the bucket is in another region or at another endpoint: set AWS_REGION, or AWS_ENDPOINT_URL".to_owned(),
            },
            ("RequestTimeTooSkewed", _) => {
                "this machine's clock differs too much from the server's: set it right".to_owned()
            }
            ("ExpiredToken" | "TokenRefreshRequired", _) => {
                "the credentials have expired: get new ones, and run this again".to_owned()
            }
            ("NoSuchBucket" | "ContainerNotFound", _) => {
                "there is no such bucket or container: is the address right?".to_owned()
            }
            ("InvalidObjectState" | "BlobArchived", _) => {
                "the object is in an archive: restore it first".to_owned()
            }
            (
                "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "InvalidToken" | "AuthenticationFailed"
                | "InvalidSecurity" | "NoAuthenticationInformation" | "InvalidAuthenticationInfo",
                _,
            )
            | (_, 401) => format!(
                "the server does not accept the credentials: are they right, and is this machine's clock? ({})",
                self.provider.variables()
            ),
            (_, 403) => format!("access is denied: {}", self.permission()),
            (_, 404) if self.operation == Operation::Read => {
                "there is no such object: is the address right?".to_owned()
            }
            (_, 404) => "there is no such bucket or container: is the address right?".to_owned(),
            _ => "the server refuses the request".to_owned(),
        }
    }

    /// Returns the permission that the credentials may lack.
    fn permission(&self) -> &'static str {
        match (self.provider, self.operation) {
            (Provider::S3, Operation::Read) => {
                "do the credentials have s3:GetObject here? (Without s3:ListBucket, an object that does not exist looks the same)"
            }
            (Provider::S3, Operation::List) => "do the credentials have s3:ListBucket here?",
            (Provider::S3, Operation::Write) => "do the credentials have s3:PutObject here?",
            (Provider::Google, Operation::Read) => {
                "does the account have storage.objects.get here?"
            }
            (Provider::Google, Operation::List) => {
                "does the account have storage.objects.list here?"
            }
            (Provider::Google, Operation::Write) => {
                "does the account have storage.objects.create and storage.objects.delete here?"
            }
            (Provider::Azure, Operation::Read | Operation::List) => {
                "does the identity have the role Storage Blob Data Reader here?"
            }
            (Provider::Azure, Operation::Write) => {
                "does the identity have the role Storage Blob Data Contributor here?"
            }
        }
    }
}

/// The words for the refusal, the status, and the provider's code.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.code.as_deref();
        let code = code.map_or_else(String::new, |code| format!(" {code}"));
        write!(f, "{} ({}{code})", self.words(), self.status)
    }
}

/// Whether a request may be answered otherwise later.
pub(super) fn may_pass(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500 | 502..=504 | 506..=510 | 512..=599)
}

/// Returns the code in the body of an error, if it looks like one.
pub(super) fn code_in(body: &str) -> Option<String> {
    let code = element(body, "Code")?;
    let is_code = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    let is_short = (1..=CODE_MAX).contains(&code.len());
    (is_short && code.bytes().all(is_code)).then(|| code.to_owned())
}

/// Returns the region in the body of an error, if it looks like one.
pub(super) fn region_in(body: &str) -> Option<String> {
    region(element(body, "Region")?)
}

/// Returns a region, if it looks like one.
pub(super) fn region(text: &str) -> Option<String> {
    let is_region = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_short = (1..=CODE_MAX).contains(&text.len());
    (is_short && text.bytes().all(is_region)).then(|| text.to_owned())
}

/// Returns the text of the first XML element of this name.
fn element<'b>(body: &'b str, name: &str) -> Option<&'b str> {
    let (_, rest) = body.split_once(&format!("<{name}>"))?;
    Some(rest.split_once(&format!("</{name}>"))?.0.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(provider: Provider, status: u16, body: &str) -> Refusal {
        Refusal {
            provider,
            operation: Operation::Read,
            status,
            code: code_in(body),
            region: region_in(body),
        }
    }

    #[test]
    fn a_refusal_says_what_to_do() {
        let check = |status: u16, code: &str, want: &str| {
            let body =
                format!("<?xml?><Error><Code>{code}</Code><Message>s3cret</Message></Error>");
            for provider in Provider::ALL {
                let said = refusal(provider, status, &body).to_string();
                assert!(said.contains(want), "{status} {code}: {said}");
                assert!(!said.contains("s3cret"), "{said}");
                let place = format!(
                    "({status}{})",
                    if code.is_empty() {
                        String::new()
                    } else {
                        format!(" {code}")
                    }
                );
                assert!(said.ends_with(&place), "{said}");
            }
        };
        check(403, "RequestTimeTooSkewed", "clock");
        check(400, "ExpiredToken", "expired");
        check(404, "NoSuchBucket", "no such bucket");
        check(404, "ContainerNotFound", "no such bucket or container");
        check(404, "NoSuchKey", "no such object");
        check(404, "", "no such object");
        check(
            403,
            "SignatureDoesNotMatch",
            "does not accept the credentials",
        );
        check(401, "", "does not accept the credentials");
        check(403, "AccessDenied", "access is denied");
        check(403, "InvalidObjectState", "restore it");
        check(301, "PermanentRedirect", "AWS_REGION");
        check(409, "BucketBusy", "the server refuses the request");
    }

    #[test]
    fn the_region_is_named_if_the_answer_names_it() {
        let body =
            "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>";
        let said = refusal(Provider::S3, 400, body).to_string();
        assert!(said.contains("set AWS_REGION=eu-west-1"), "{said}");
        // Access is denied in the right region, which the answer names too.
        let body = "<Error><Code>AccessDenied</Code><Region>eu-west-1</Region></Error>";
        let said = refusal(Provider::S3, 403, body).to_string();
        assert!(said.contains("access is denied"), "{said}");
        assert_eq!(region_in("<Region>x; rm</Region>"), None);
    }

    #[test]
    fn only_what_looks_like_a_code_is_shown() {
        assert_eq!(
            code_in("<Code>NoSuchKey</Code>").as_deref(),
            Some("NoSuchKey")
        );
        for body in [
            "<Code>a b</Code>",
            "<Code></Code>",
            "<Code>a",
            "",
            "{\"code\":1}",
        ] {
            assert_eq!(code_in(body), None, "{body}");
        }
        assert_eq!(code_in(&format!("<Code>{}</Code>", "a".repeat(65))), None);
    }

    #[test]
    fn troubles_of_a_server_may_pass() {
        for status in [408, 429, 500, 502, 503, 504, 529] {
            assert!(may_pass(status), "{status}");
        }
        for status in [200, 301, 400, 401, 403, 404, 412, 416, 501, 505, 511] {
            assert!(!may_pass(status), "{status}");
        }
    }
}
