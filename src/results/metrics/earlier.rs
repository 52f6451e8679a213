//! The metrics that an earlier process has left in a file.

use super::exposition::LAST_SUCCESS;

/// Returns the time of the last success in Unix seconds. Whatever else the text holds is ignored.
pub(super) fn last_success(text: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once(' ')?;
        let is_it = name == LAST_SUCCESS || is_of_a_shard(name);
        value.trim().parse().ok().filter(|_| is_it)
    })
}

/// Whether a name is that of the time, with the label of a shard.
fn is_of_a_shard(name: &str) -> bool {
    name.strip_prefix(LAST_SUCCESS)
        .is_some_and(|labels| labels.starts_with("{shard="))
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
        check(&format!("{name}{{shard=\"2/4\"}} 7\n"), Some(7));
        check(&format!("{name}{{job=\"x\"}} 7\n"), None);
        check(&format!("{name} -7\n"), None);
        check(&format!("{name}\n"), None);
        check("", None);
    }
}
