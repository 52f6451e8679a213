//! Settings that are secrets: the environment holds the secret, or a file does that a setting names.

use std::cmp::Ordering;
use std::path::PathBuf;

use secrecy::SecretString;

use super::error::Problem;
use super::resolver::Resolver;
use super::setting::of_process;
use super::value::ValueError;
use crate::api::{SecretAddress, Unencrypted};

/// The source of a secret.
#[derive(Debug, Clone)]
pub enum SecretSource {
    /// None was given.
    Missing,
    /// The secret itself, as the environment has it.
    Value(SecretString),
    /// A file, read when the secret is needed.
    File(PathBuf),
}

/// An address that is a secret.
#[derive(Debug, Clone)]
pub struct AddressSetting {
    /// The source of the address. A text is a [`SecretAddress`].
    pub source: SecretSource,
    /// The flag, the variable or the file that gives it, for messages.
    pub place: String,
    /// The addresses that plain HTTP may be used with.
    pub unencrypted: Unencrypted,
}

impl AddressSetting {
    /// Whether there is an address.
    pub fn is_given(&self) -> bool {
        !matches!(self.source, SecretSource::Missing)
    }
}

impl Resolver {
    /// Reads the source of the secret `name`, which the setting `file_name` may name. The stronger
    /// source wins: a flag that names a file beats the variable, which beats a configuration file.
    pub(super) fn secret_source(
        &mut self,
        name: &'static str,
        file_name: &'static str,
        parse: impl Fn(&str) -> Result<SecretString, ValueError>,
    ) -> SecretSource {
        let value = self.secret(name, parse);
        let file = self.path(of_process(file_name));
        match (value, file) {
            (None, None) => SecretSource::Missing,
            (Some(value), None) => SecretSource::Value(value),
            (None, Some(file)) => SecretSource::File(file),
            (Some(value), Some(file)) => match self.compare_sources(name, file_name) {
                Ordering::Greater => SecretSource::Value(value),
                Ordering::Less => SecretSource::File(file),
                Ordering::Equal => {
                    let (first, second) = (self.place(name), self.place(file_name));
                    self.report(Problem::Contradiction { first, second });
                    SecretSource::Missing
                }
            },
        }
    }
    /// Reads the address `name`, which is a secret, or the file with it that the setting `file_name`
    /// names.
    pub(super) fn secret_address(
        &mut self,
        name: &'static str,
        file_name: &'static str,
        unencrypted: Unencrypted,
    ) -> AddressSetting {
        let source = self.secret_source(name, file_name, |text| {
            SecretAddress::of(text, unencrypted)?;
            Ok(SecretString::from(text.trim()))
        });
        let place = match &source {
            SecretSource::File(_) => self.place(file_name),
            SecretSource::Missing | SecretSource::Value(_) => self.place(name),
        };
        AddressSetting {
            source,
            place,
            unencrypted,
        }
    }
}
