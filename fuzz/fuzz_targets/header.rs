//! Headers: each is refused with all its errors, or maps each field once.
#![no_main]

use custsync::testing::input::{Delimiter, HeaderNames, InputRules, MappingRules};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (Vec<u8>, Vec<(String, u8)>, Vec<String>, bool)| {
    let (header, map, ignore, is_loose) = input;
    let fields = ["id", "email", "job", "first_name", "country_id"];
    let map: Vec<_> =
        map.into_iter().map(|(column, field)| (column, fields[usize::from(field) % fields.len()].to_owned())).collect();
    let Ok(mapping) = MappingRules::new(&map, &ignore) else { return };
    let names = if is_loose { HeaderNames::Loose } else { HeaderNames::Exact };
    let found = InputRules { mapping: mapping.with_header_names(names), ..InputRules::default() };
    // A delimiter is detected from the first block, so only a given one is the same for blocks of
    // any size.
    let given = InputRules { delimiter: Some(Delimiter::COMMA), ..found.clone() };
    let text = [header.as_slice(), b"\n1,a,b,c\n"].concat();
    let [.., one_block] = custsync_fuzz::SIZES;
    let outcomes = [
        custsync_fuzz::rows("a.csv", &text, &found, one_block),
        custsync_fuzz::rows_of_any_size("a.csv", &text, &given),
    ];
    for message in outcomes.into_iter().filter_map(Result::err) {
        assert!(!message.contains(|character: char| character.is_control() && character != '\n'), "{message:?}");
    }
});
