//! The notices of a start and an end: pings, messages, a command, a termination message.

use std::path::{Path, PathBuf};

use crate::api::{PlainHttp, Unencrypted};
use crate::config::groups::api::ApiSettings;
use crate::config::groups::output::OutputSettings;
use crate::config::groups::publish::PublishSettings;
use crate::config::names::{NOTIFY_URL, NOTIFY_URL_FILE, ON_FINISH, PING_URL, PING_URL_FILE};
use crate::config::resolver::Resolver;
use crate::config::secret::AddressSetting;
use crate::config::setting::of_process;
use crate::config::value::non_empty;

/// The word for no termination message.
const NONE: &str = "none";
/// The file that Kubernetes reads, unless a container's specification names another.
pub(crate) const USUAL_TERMINATION_MESSAGE: &str = "/dev/termination-log";

/// The notices of a start and an end.
#[derive(Debug, Clone)]
pub struct NoticeSettings {
    /// The monitor of jobs that is pinged.
    pub ping: AddressSetting,
    /// The ends that are pinged.
    pub ping_on: PingOn,
    /// The address that messages go to.
    pub notify: AddressSetting,
    /// The ends that messages are sent about.
    pub notify_on: NotifyOn,
    /// The form of the messages.
    pub notify_format: NotifyFormat,
    /// The command that is run at the end, a line of shell.
    pub on_finish: Option<String>,
    /// The file of the termination message.
    pub termination_message: TerminationMessage,
    /// The copies of a run's files.
    pub publish: PublishSettings,
    /// Certificates to trust beside the system's.
    pub ca_file: Option<PathBuf>,
}

/// The ends that are pinged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PingOn {
    /// Those after which the same command is not run again by itself.
    Finished,
    /// Every end.
    Every,
}

/// The ends that messages are sent about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotifyOn {
    /// Every end.
    Always,
    /// Every end but that with all rows good.
    Bad,
    /// Ends before the end of the input.
    Stopped,
}

/// The form of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotifyFormat {
    /// An object with all figures.
    Json,
    /// A text for a chat, as incoming webhooks of Slack take it.
    Slack,
}

/// The file of the termination message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TerminationMessage {
    /// That of Kubernetes, if the process runs there.
    Auto,
    /// This file.
    File(PathBuf),
    /// No file.
    Off,
}

impl NoticeSettings {
    /// Reads the settings. `api` has those that all connections share, and `output` the files.
    pub(in crate::config) fn read(
        resolver: &mut Resolver,
        api: &ApiSettings,
        output: &OutputSettings,
    ) -> Self {
        let summary_file = output.summary_file.as_deref();
        let unencrypted = match api.plain_http {
            PlainHttp::Loopback => Unencrypted::Refused,
            PlainHttp::Anywhere => Unencrypted::Allowed,
        };
        Self {
            ping: resolver.secret_address(PING_URL, PING_URL_FILE, unencrypted),
            ping_on: resolver.choice(of_process("ping-on"), &PingOn::Finished),
            notify: resolver.secret_address(NOTIFY_URL, NOTIFY_URL_FILE, unencrypted),
            notify_on: resolver.choice(of_process("notify-on"), &NotifyOn::Bad),
            notify_format: resolver.choice(of_process("notify-format"), &NotifyFormat::Json),
            on_finish: resolver.optional(of_process(ON_FINISH), non_empty),
            termination_message: match resolver.path(of_process("termination-message")) {
                // The user wants the summary there.
                None if summary_file == Some(Path::new(USUAL_TERMINATION_MESSAGE)) => {
                    TerminationMessage::Off
                }
                None => TerminationMessage::Auto,
                Some(path) if path.as_os_str() == NONE => TerminationMessage::Off,
                Some(path) => TerminationMessage::File(path),
            },
            publish: PublishSettings::read(resolver, api),
            ca_file: api.ca_file.clone(),
        }
    }
}
