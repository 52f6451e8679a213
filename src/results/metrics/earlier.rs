//! The metrics that an earlier process has left in a file.

use super::exposition::LAST_SUCCESS;

/// Returns the time of the last success in Unix seconds. Whatever else the text holds is ignored.
pub(super) fn last_success(text: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let value = words
            .next()
            .filter(|name| *name == LAST_SUCCESS)
            .and(words.next());
        value.and_then(|value| value.parse().ok())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_found_among_other_lines() {
        let check = |text: &str, want: Option<u64>| assert_eq!(last_success(text), want, "{text}");
        let name = LAST_SUCCESS;
        check(
            &format!("# TYPE {name} gauge\n{name} 1764431000\n"),
            Some(1_764_431_000),
        );
        check(&format!("custsync_exit_code 0\n{name} 7"), Some(7));
        check(&format!("{name}{{job=\"x\"}} 7\n"), None);
        check(&format!("{name} -7\n"), None);
        check(&format!("{name}\n"), None);
        check("", None);
    }
}
