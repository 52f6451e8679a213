//! Puts back customers whose fields an update has cleared that left them out. It was sent to find
//! out whether the API does that, so few customers are concerned, and all of their images are kept.
//!
//! The update that puts a customer back sets all fields, also those that others may be changing. So
//! it is sent on the condition that the customer is still as it was read, where the API shows entity
//! tags. If it is not, it is read again, and decided anew.

use std::time::{Duration, Instant};

use anyhow::{anyhow, bail};
use tracing::{info, warn};

use crate::api::reading::KeepImage;
use crate::api::{Api, Token, Update};
use crate::contract::{
    Answer, Answered, ChangeHistory, Conflicts, Countries, EntityTag, FieldFate, FieldSet, Image,
    LeftOutEffect, RestoreRequest, RestoreRules, SentFields, country_of_request,
};
use crate::journal::ImageEntry;
use crate::process::crash;
use crate::schedule::{Backoff, Jitter, Random};

/// The first and the longest wait before a request is sent again.
const WAIT_FIRST: Duration = Duration::from_secs(1);
const WAIT_MAX: Duration = Duration::from_secs(30);
/// The number of times that others may change a customer between a read and the update that puts it
/// back.
const CHANGES_MAX: u32 = 5;
/// The status of an answer that says that the customer was changed since it was read.
const PRECONDITION_FAILED: u16 = 412;

/// The result of looking after the customers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::commands) enum PutBack {
    /// No field had been cleared.
    NothingLost,
    /// Fields had been cleared, and all of them are as before.
    All,
    /// Fields had been cleared, and some could not be put back.
    Some,
}

/// A customer as it was read.
struct Read {
    image: Box<Image>,
    /// The name of its state, if the API shows one.
    tag: Option<EntityTag>,
}

/// The answer to an update that puts a customer back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    /// It was applied.
    Applied,
    /// It was not applied, because the customer was changed since it was read.
    Changed,
}

/// The next step for a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Nothing is left to do.
    Done(PutBack),
    /// Others have changed it since it was read. It still lacks these fields.
    Changed(FieldSet),
}

/// Sends requests one at a time, again and again until the API answers.
pub(in crate::commands) struct Patient<'a> {
    pub(in crate::commands) api: &'a Api,
    pub(in crate::commands) token: Token,
    /// The time after which it gives up.
    pub(in crate::commands) wait_max: Duration,
}

/// Reads the customers of these updates, listed by customer and in the order of their images, whose
/// effect on fields that they left out is not known, and puts back those who have lost any.
pub(in crate::commands) fn put_back(
    patient: &Patient<'_>,
    updates: &[Vec<ImageEntry>],
    countries: &Countries,
) -> anyhow::Result<PutBack> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut result = PutBack::NothingLost;
        for update in updates {
            let found = put_one_back(patient, update, countries).await?;
            result = match (result, found) {
                (result, PutBack::NothingLost) => result,
                (PutBack::Some, _) | (_, PutBack::Some) => PutBack::Some,
                (_, PutBack::All) => PutBack::All,
            };
        }
        Ok(result)
    })
}

async fn put_one_back(
    patient: &Patient<'_>,
    updates: &[ImageEntry],
    countries: &Countries,
) -> anyhow::Result<PutBack> {
    let Some(update) = updates.last() else {
        return Ok(PutBack::NothingLost);
    };
    let mut lacks = FieldSet::EMPTY;
    for _ in 0..=CHANGES_MAX {
        match try_to_put_back(patient, updates, update, countries).await? {
            // It has lost fields, and has values again: those of others, or of an update of which no
            // answer came.
            Step::Done(PutBack::NothingLost) if !lacks.is_empty() => return Ok(PutBack::All),
            Step::Done(result) => return Ok(result),
            Step::Changed(fields) => lacks = fields,
        }
    }
    warn!(
        "the customer of row {} (id {}) has lost {}, and was changed by others each time that it was to be put back: nothing of theirs is overwritten; please put it back by hand",
        update.row,
        update.id,
        names(lacks)
    );
    Ok(PutBack::Some)
}

/// Reads the customer of these updates, and puts it back if it is not changed meanwhile.
async fn try_to_put_back(
    patient: &Patient<'_>,
    updates: &[ImageEntry],
    update: &ImageEntry,
    countries: &Countries,
) -> anyhow::Result<Step> {
    let Some(Read { image: now, tag }) = patient.read(update).await? else {
        bail!("the customer of row {} cannot be read", update.row);
    };
    crash::kill_at("put-back-read");
    // A customer that was changed elsewhere was read again, and has several images.
    let lost = updates.iter().map(|update| lost_by(update, &now));
    let lost = lost.fold(FieldSet::EMPTY, FieldSet::union);
    if lost.is_empty() {
        return Ok(Step::Done(PutBack::NothingLost));
    }
    let mut countries = countries.clone();
    let country_sent = country_of_request(update.sent.get().as_bytes());
    if let (Some(id), Some(name)) = (country_sent, now.country_text()) {
        countries.learn(id, name);
    }
    let mut history = ChangeHistory::new(LeftOutEffect::Cleared);
    for update in updates {
        history.add(&update.image, Some(&sent_of(update)), &countries);
    }
    let rules = RestoreRules {
        conflicts: Conflicts::Keep,
        without: FieldSet::EMPTY,
    };
    let restoration = history.restore(&now, rules, &countries);
    let kept_back: FieldSet = (restoration.fates.iter())
        .filter(|(_, fate)| matches!(fate, FieldFate::NotRestorable(_)))
        .map(|(field, _)| *field)
        .collect();
    let still_lost = match restoration.request {
        RestoreRequest::Nothing => lost,
        RestoreRequest::Blocked(blocked) => {
            lost.union(blocked.iter().map(|(field, _)| *field).collect())
        }
        RestoreRequest::Put(body) => {
            if patient.write(update, body, tag).await? == Written::Changed {
                return Ok(Step::Changed(lost));
            }
            crash::kill_at("put-back-answered");
            kept_back.intersection(lost)
        }
    };
    if !still_lost.is_empty() {
        warn!(
            "the customer of row {} (id {}) has lost {}, which cannot be put back: please do so by hand",
            update.row,
            update.id,
            names(still_lost)
        );
        return Ok(Step::Done(PutBack::Some));
    }
    if kept_back.is_empty() {
        info!("the customer of row {} is put back", update.row);
    } else {
        info!(
            "the customer of row {} is put back, but for {}, as the row sets it",
            update.row,
            names(kept_back)
        );
    }
    Ok(Step::Done(PutBack::All))
}

/// The fields that an update set.
fn sent_of(update: &ImageEntry) -> SentFields<'_> {
    SentFields::of_request(update.sent.get().as_bytes()).unwrap_or_default()
}

/// The fields that an update left out, that were filled before it and that are empty now.
fn lost_by(update: &ImageEntry, now: &Image) -> FieldSet {
    let set: FieldSet = sent_of(update).fields().map(|(field, _)| field).collect();
    (update.image).filled_but_lost(now, FieldSet::ALL.without(set))
}

fn names(fields: FieldSet) -> String {
    fields.names().collect::<Vec<_>>().join(", ")
}

impl Patient<'_> {
    /// Reads the customer of an update; `None` if the API does not show them.
    async fn read(&self, update: &ImageEntry) -> anyhow::Result<Option<Read>> {
        let read = || self.api.read(update.id, b"{}", &self.token, KeepImage::Yes);
        let answered = self.send(read).await?;
        let tag = answered.attempt.answer.entity_tag().cloned();
        Ok(answered.image.map(|image| Read { image, tag }))
    }

    /// Puts a customer back who still has this entity tag.
    async fn write(
        &self,
        update: &ImageEntry,
        body: Vec<u8>,
        tag: Option<EntityTag>,
    ) -> anyhow::Result<Written> {
        let is_conditional = tag.is_some();
        let body = bytes::Bytes::from(body);
        let write = || {
            let update = Update {
                customer: update.id,
                body: body.clone(),
                if_match: tag.clone(),
            };
            self.api.update(update, &self.token, KeepImage::No)
        };
        let answered = self.send(write).await?;
        match answered.attempt.answer {
            Answer::Response(response) if (200..300).contains(&response.status) => {
                Ok(Written::Applied)
            }
            Answer::Response(response)
                if is_conditional && response.status == PRECONDITION_FAILED =>
            {
                Ok(Written::Changed)
            }
            Answer::Response(response) => Err(anyhow!(
                "the customer of row {} cannot be put back: the API answers {}",
                update.row,
                response.status
            )),
            Answer::Fault(fault) => Err(anyhow!(fault.name())),
        }
    }

    /// Sends a request until the API itself answers.
    async fn send<A: Future<Output = Answered>>(
        &self,
        request: impl Fn() -> A,
    ) -> anyhow::Result<Answered> {
        let began = Instant::now();
        let mut random = Random::seeded(u64::from(std::process::id()));
        let mut backoff = Backoff::new(WAIT_FIRST, WAIT_MAX, Jitter::Equal);
        loop {
            let answered = request().await;
            let named = match &answered.attempt.answer {
                Answer::Response(response) if !is_trouble(response.status) => return Ok(answered),
                Answer::Response(response) => response.retry_after,
                Answer::Fault(_) => None,
            };
            let wait = named.unwrap_or_else(|| backoff.next(&mut random));
            if began.elapsed() + wait > self.wait_max {
                bail!("the API does not answer");
            }
            tokio::time::sleep(wait).await;
        }
    }
}

/// Whether a request with this answer is sent again.
fn is_trouble(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..)
}
