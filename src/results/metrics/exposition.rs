//! The metrics as text, in the format that Prometheus, its textfile collector and its Pushgateway
//! read (version 0.0.4). A name and the meaning of a metric are said here alone.

use std::fmt;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, EncodeLabelSet, EncodeMetric as _,
    NoLabelSet, prometheus_text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::snapshot::Snapshot;
use crate::results::held_back::Brake;

/// The media type of the text.
pub(crate) const CONTENT_TYPE: &str = prometheus_text::CONTENT_TYPE;
/// The name of the time of the last success.
pub(super) const LAST_SUCCESS: &str = "custsync_last_success_timestamp_seconds";

/// Returns the metrics as text.
pub(crate) fn text(snapshot: Snapshot) -> String {
    let shard = snapshot
        .shard
        .map(|shard| ("shard".into(), shard.to_string().into()));
    let mut registry = Registry::with_labels(shard.into_iter());
    registry.register_collector(Box::new(snapshot));
    let mut text = String::new();
    prometheus_text::encode(&mut text, &registry).expect("writing to a String cannot fail");
    text
}

impl Collector for Snapshot {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut families = Families(encoder);
        self.add_rows(&mut families)?;
        self.add_requests(&mut families)?;
        self.add_process(&mut families)
    }
}

impl Snapshot {
    fn add_rows(&self, families: &mut Families<'_>) -> fmt::Result {
        let rows = self.rows.iter();
        families.counters(
            "custsync_rows",
            "Rows whose outcome this process has recorded.",
            rows.map(|(outcome, count)| ([("outcome", outcome.name())], *count)),
        )?;
        let rows = self.run_rows.iter();
        families.gauges(
            "custsync_run_rows",
            "Rows of the run directory, those of earlier processes included.",
            rows.map(|(outcome, count)| ([("outcome", outcome.name())], *count)),
        )?;
        families.counter(
            "custsync_bytes_read",
            "Bytes of input in rows that have ended.",
            self.sending.bytes_read,
        )
    }

    fn add_requests(&self, families: &mut Families<'_>) -> fmt::Result {
        let sending = &self.sending;
        let requests = sending.attempts.by_code();
        families.counters(
            "custsync_requests",
            "Requests that have ended, by the status of the answer or the cause of having none.",
            requests.map(|(method, code, count)| {
                let labels = [("method", method.to_owned()), ("code", code.to_string())];
                (labels, count)
            }),
        )?;
        let durations = sending.attempts.durations();
        families.histogram(
            "custsync_request_duration_seconds",
            "Durations of requests with an answer, whatever its status.",
            (durations.sum_seconds(), durations.count()),
            &durations.buckets(),
        )?;
        families.gauge(
            "custsync_requests_in_flight",
            "Requests in flight.",
            sending.in_flight,
        )?;
        families.gauge(
            "custsync_requests_in_flight_limit",
            "The most requests that may be in flight now.",
            sending.in_flight_max,
        )?;
        let waiting = Brake::ALL.into_iter().map(|brake| {
            let time = sending.waiting.get(&brake).map(Duration::as_secs_f64);
            ([("reason", brake.name())], time.unwrap_or_default())
        });
        families.counters(
            "custsync_waiting_seconds",
            "Time for which each reason held the run back.",
            waiting,
        )?;
        families.counter(
            "custsync_token_refreshes",
            "Refreshes of the token.",
            sending.token_refreshes,
        )
    }

    fn add_process(&self, families: &mut Families<'_>) -> fmt::Result {
        families.gauge(
            "custsync_running",
            "The time of this text while the process runs, in Unix seconds; 0 after its end.",
            self.completion.map_or(self.now, |_| 0),
        )?;
        if let Some(completion) = self.completion {
            families.gauge(
                "custsync_last_completion_timestamp_seconds",
                "The end of the last process.",
                completion.at,
            )?;
            families.gauge(
                "custsync_exit_code",
                "The exit code of the last process.",
                u64::from(completion.exit_code),
            )?;
        }
        if let Some(last_success) = self.last_success {
            families.gauge(
                LAST_SUCCESS,
                "The end of the last process with exit code 0.",
                last_success,
            )?;
        }
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        families.info("custsync_build", "The version of custsync.", &version)
    }
}

/// Writes families of metrics. The format adds the `_total` of counters and the `_info` of an
/// info.
struct Families<'e>(DescriptorEncoder<'e>);

impl Families<'_> {
    fn counters<L: EncodeLabelSet, N: EncodeCounterValue>(
        &mut self,
        name: &str,
        help: &str,
        series: impl Iterator<Item = (L, N)>,
    ) -> fmt::Result {
        let kind = MetricType::Counter;
        let mut family = self.0.encode_descriptor(name, help, None, kind)?;
        for (labels, count) in series {
            ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn counter(&mut self, name: &str, help: &str, count: u64) -> fmt::Result {
        let kind = MetricType::Counter;
        ConstCounter::new(count).encode(self.0.encode_descriptor(name, help, None, kind)?)
    }

    fn gauges<L: EncodeLabelSet, N: EncodeGaugeValue>(
        &mut self,
        name: &str,
        help: &str,
        series: impl Iterator<Item = (L, N)>,
    ) -> fmt::Result {
        let kind = MetricType::Gauge;
        let mut family = self.0.encode_descriptor(name, help, None, kind)?;
        for (labels, value) in series {
            ConstGauge::new(value).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn gauge(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let kind = MetricType::Gauge;
        ConstGauge::new(value).encode(self.0.encode_descriptor(name, help, None, kind)?)
    }

    fn histogram(
        &mut self,
        name: &str,
        help: &str,
        (sum, count): (f64, u64),
        buckets: &[(f64, u64)],
    ) -> fmt::Result {
        let kind = MetricType::Histogram;
        let mut family = self.0.encode_descriptor(name, help, None, kind)?;
        family.encode_histogram::<NoLabelSet>(sum, count, buckets, None)
    }

    fn info(&mut self, name: &str, help: &str, labels: &impl EncodeLabelSet) -> fmt::Result {
        let kind = MetricType::Info;
        let mut family = self.0.encode_descriptor(name, help, None, kind)?;
        family.encode_info(labels)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Metrics, SendingMetrics};
    use super::*;
    use crate::contract::{Answer, Attempt, Response};
    use crate::journal::Outcome;
    use crate::schedule::Request;

    /// Returns the lines of the text that begin with this word, without its comments.
    fn lines(text: &str, name: &str) -> Vec<String> {
        let lines = text.lines().filter(|line| line.starts_with(name));
        lines.map(str::to_owned).collect()
    }

    #[test]
    fn all_series_are_there_from_the_start() {
        let metrics = text(Metrics::default().snapshot(1_764_431_000));
        for outcome in Outcome::ALL {
            let labels = format!("{{outcome=\"{}\"}} 0", outcome.name());
            for name in ["custsync_rows_total", "custsync_run_rows"] {
                let line = format!("{name}{labels}");
                assert_eq!(lines(&metrics, &line), [line]);
            }
        }
        for brake in Brake::ALL {
            let line = format!(
                "custsync_waiting_seconds_total{{reason=\"{}\"}} 0.0",
                brake.name()
            );
            assert_eq!(lines(&metrics, &line), [line]);
        }
        assert_eq!(
            lines(&metrics, "custsync_requests_total"),
            [
                "custsync_requests_total{method=\"GET\",code=\"200\"} 0",
                "custsync_requests_total{method=\"PUT\",code=\"200\"} 0",
            ]
        );
        assert_eq!(
            lines(&metrics, "custsync_running"),
            ["custsync_running 1764431000"]
        );
        let unknown = ["custsync_last", "custsync_exit_code"];
        assert!(unknown.iter().all(|name| lines(&metrics, name).is_empty()));
    }

    #[test]
    fn numbers_are_in_base_units() {
        let metrics = Metrics::default();
        let mut sending = SendingMetrics::default();
        let response = Response {
            status: 503,
            ..Response::default()
        };
        let attempt = Attempt {
            answer: Answer::Response(response),
            took: Duration::from_millis(30),
        };
        sending.attempts.record(Request::Write, &attempt);
        sending.waiting = [(Brake::Rate, Duration::from_millis(1_500))].into();
        metrics.set_sending(sending);
        metrics.complete(1_764_431_007, 0);
        let text = text(metrics.snapshot(1_764_431_008));
        for line in [
            "# TYPE custsync_requests_total counter",
            "custsync_requests_total{method=\"PUT\",code=\"503\"} 1",
            "# TYPE custsync_request_duration_seconds histogram",
            "custsync_request_duration_seconds_bucket{le=\"0.025\"} 0",
            "custsync_request_duration_seconds_bucket{le=\"0.05\"} 1",
            "custsync_request_duration_seconds_bucket{le=\"+Inf\"} 1",
            "custsync_request_duration_seconds_sum 0.03",
            "custsync_waiting_seconds_total{reason=\"rate\"} 1.5",
            "custsync_running 0",
            "custsync_exit_code 0",
            "custsync_last_completion_timestamp_seconds 1764431007",
            "custsync_last_success_timestamp_seconds 1764431007",
            concat!(
                "custsync_build_info{version=\"",
                env!("CARGO_PKG_VERSION"),
                "\"} 1"
            ),
        ] {
            assert!(
                text.lines().any(|found| found == line),
                "{line} is not in:\n{text}"
            );
        }
    }
}
