//! The clients of the providers, by the variables that their own programs read.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzure, MicrosoftAzureBuilder};
use object_store::client::CredentialProvider;
use object_store::gcp::{GoogleCloudStorage, GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::list::PaginatedListStore;
use object_store::{ObjectStore, RetryConfig};

use crate::objects::address::{ObjectAddress, Provider};
use crate::objects::connector::Connector;

/// The client of one bucket.
pub(super) struct Client {
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) lists: Arc<dyn PaginatedListStore>,
    /// `None` if requests are not signed, because the objects are public.
    pub(super) credentials: Option<Arc<dyn Credentials>>,
}

/// The source of credentials.
pub(super) trait Credentials: Send + Sync {
    /// Gets credentials, or keeps those that are still valid.
    fn check(&self) -> Pin<Box<dyn Future<Output = object_store::Result<()>> + Send + '_>>;
}

/// The credentials of one provider.
struct Of<C>(Arc<dyn CredentialProvider<Credential = C>>);

impl<C: std::fmt::Debug + Send + Sync + 'static> Credentials for Of<C> {
    fn check(&self) -> Pin<Box<dyn Future<Output = object_store::Result<()>> + Send + '_>> {
        Box::pin(async move { self.0.get_credential().await.map(|_| ()) })
    }
}

/// Returns the client for the bucket of this address. Variables of the environment are read by
/// `object_store`, so they are those of its documentation.
pub(super) fn client(
    address: &ObjectAddress,
    connector: Connector,
) -> object_store::Result<Client> {
    let bucket = address.bucket();
    match address.provider() {
        Provider::S3 => {
            let builder = AmazonS3Builder::from_env()
                .with_bucket_name(bucket)
                .with_retry(no_retries())
                .with_http_connector(connector);
            let skips = builder.get_config_value(&AmazonS3ConfigKey::SkipSignature);
            Ok(Client::of(builder.build()?, skips, AmazonS3::credentials))
        }
        Provider::Google => {
            let builder = GoogleCloudStorageBuilder::from_env()
                .with_bucket_name(bucket)
                .with_retry(no_retries())
                .with_http_connector(connector);
            let skips = builder.get_config_value(&GoogleConfigKey::SkipSignature);
            Ok(Client::of(
                builder.build()?,
                skips,
                GoogleCloudStorage::credentials,
            ))
        }
        Provider::Azure => {
            let builder = MicrosoftAzureBuilder::from_env()
                .with_container_name(bucket)
                .with_retry(no_retries())
                .with_http_connector(connector);
            let skips = builder.get_config_value(&AzureConfigKey::SkipSignature);
            Ok(Client::of(
                builder.build()?,
                skips,
                MicrosoftAzure::credentials,
            ))
        }
    }
}

impl Client {
    /// Returns the client of a store. `skips` is the variable that switches the signature off.
    fn of<S, C>(
        store: S,
        skips: Option<String>,
        credentials: impl FnOnce(&S) -> &Arc<dyn CredentialProvider<Credential = C>>,
    ) -> Client
    where
        S: ObjectStore + PaginatedListStore,
        C: std::fmt::Debug + Send + Sync + 'static,
    {
        let store = Arc::new(store);
        let credentials = is_signed(skips)
            .then(|| -> Arc<dyn Credentials> { Arc::new(Of(credentials(&store).clone())) });
        Client {
            lists: store.clone(),
            store,
            credentials,
        }
    }
}

/// Whether requests are signed. The variable that switches it off is read as `object_store` does.
fn is_signed(skips: Option<String>) -> bool {
    !skips.is_some_and(|value| super::connector::is_true(&value))
}

/// Returns the rule for retries: none, since the caller decides.
fn no_retries() -> RetryConfig {
    RetryConfig {
        max_retries: 0,
        retry_timeout: Duration::ZERO,
        ..RetryConfig::default()
    }
}
