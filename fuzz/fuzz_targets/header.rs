//! Headers: any of them is refused with all that is wrong, or maps each field once.
#![no_main]

use custsync::input::{HeaderNames, InputRules, MappingRules};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (Vec<u8>, Vec<(String, u8)>, Vec<String>, bool)| {
    let (header, map, ignore, is_loose) = input;
    let fields = ["id", "email", "job", "first_name", "country_id"];
    let map: Vec<_> =
        map.into_iter().map(|(column, field)| (column, fields[usize::from(field) % fields.len()].to_owned())).collect();
    let Ok(mapping) = MappingRules::new(&map, &ignore) else { return };
    let names = if is_loose { HeaderNames::Loose } else { HeaderNames::Exact };
    let rules = InputRules { mapping: mapping.with_header_names(names), ..InputRules::default() };
    let text = [header.as_slice(), b"\n1,a,b,c\n"].concat();
    if let Err(message) = custsync_fuzz::rows_of_any_size("a.csv", &text, &rules) {
        assert!(!message.contains(|character: char| character.is_control() && character != '\n'), "{message:?}");
    }
});
