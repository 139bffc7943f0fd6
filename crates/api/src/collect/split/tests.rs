//! Valid bodies yield their parts, and no bytes panic.

use super::*;
use proptest::prelude::*;

fn texts(body: &str) -> Result<(Shape, Vec<&str>), Fault> {
    split(body.as_bytes(), false, 100)
        .map(|split| (split.shape, split.elements.into_iter().map(|range| &body[range]).collect()))
}

#[test]
fn every_shape_is_recognised() {
    assert_eq!(texts(r#" [{"a":"]"}, {"b":[1,2]} ] "#), Ok((Shape::Array, vec![r#"{"a":"]"}"#, r#"{"b":[1,2]}"#])));
    assert_eq!(texts(r#"{"events":[{"a":1}]}"#), Ok((Shape::Wrapped, vec![r#"{"a":1}"#])));
    assert_eq!(texts(r#"{"\u0065vents":[]}"#), Ok((Shape::Wrapped, vec![])));
    assert_eq!(texts("\u{feff}{\"a\":\"\\\"}\"}"), Ok((Shape::Single, vec![r#"{"a":"\"}"}"#])));
    assert_eq!(texts("{\"a\":1}\n\n{\"b\":\r\n{oops\n"), Ok((Shape::Lines, vec!["{\"a\":1}", "{\"b\":", "{oops"])));
    assert_eq!(texts("[]"), Ok((Shape::Array, vec![])));
    assert_eq!(texts("{}"), Ok((Shape::Single, vec!["{}"])));
}

#[test]
fn a_fault_inside_balanced_brackets_stays_alone() {
    assert_eq!(
        texts(r#"[NaN,{"a":1e400},{"b" 2},,{"c":"\ud800"},{"d":3},]"#),
        Ok((Shape::Array, vec!["NaN", r#"{"a":1e400}"#, r#"{"b" 2}"#, "", r#"{"c":"\ud800"}"#, r#"{"d":3}"#, ""]))
    );
    assert_eq!(texts("{oops}"), Ok((Shape::Single, vec!["{oops}"])));
}

#[test]
fn an_unbalanced_body_is_refused_with_its_place() {
    let place = |body: &str| match texts(body) {
        Err(Fault::Unbalanced { index, offset, .. }) => (index, offset),
        other => panic!("{body}: {other:?}"),
    };
    assert_eq!(place(r#"[{"a":1},{"b":2"#), (Some(1), 15));
    assert_eq!(place(r#"[{"a":1},{"b":"2}]"#), (Some(1), 14));
    assert_eq!(place(r#"[{"a":1},{"b":2]]"#), (Some(1), 15));
    assert_eq!(place(r#"[{"a":1}"#), (Some(0), 8));
    assert_eq!(place("[1}"), (Some(0), 2));
    assert_eq!(place(r#"{"a":1"#), (None, 6));
    assert_eq!(texts(" \n"), Err(Fault::Empty));
    assert_eq!(texts("events"), Err(Fault::NotABatch { offset: 0 }));
    assert_eq!(texts("[] x"), Err(Fault::Trailing { offset: 3 }));
    assert_eq!(texts(r#"{"a":1}{"b":2}"#), Err(Fault::Trailing { offset: 7 }));
    assert_eq!(texts(r#"{"events":[],"sent":1}"#), Err(Fault::UnknownMember("sent".into())));
    assert_eq!(texts(r#"{"events":{}}"#), Err(Fault::NotABatch { offset: 10 }));
    assert_eq!(split(b"[1,2,3]", false, 2), Err(Fault::TooMany));
    assert_eq!(split(b"1\n2\n3", true, 2), Err(Fault::TooMany));
}

#[test]
fn the_members_of_an_object_are_found() {
    let body = br#"{"batch":[{"a":1}], "sentAt" : "x" }"#;
    let members = object(body).unwrap();
    let shown: Vec<_> = members.iter().map(|m| (m.key.as_str(), &body[m.value.clone()])).collect();
    assert_eq!(shown, [("batch", &br#"[{"a":1}]"#[..]), ("sentAt", &br#""x""#[..])]);
    assert!(object(b"[]").is_err());
    assert!(object(br#"{"a":}"#).is_err());
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        r#"[a-z\[\]{},:"\\ é\n]{0,8}"#.prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            prop::collection::vec((r#"[a-z"\[\]{}\\]{0,4}"#, inner), 0..4)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_byte_string_panics(body in prop::collection::vec(any::<u8>(), 0..64), lines: bool) {
        let _ = split(&body, lines, 10);
        let _ = object(&body);
    }

    #[test]
    fn no_bracket_string_panics(body in r#"[\[\]{}",:\\ \na1]{0,40}"#, lines: bool) {
        if let Ok(split) = split(body.as_bytes(), lines, 10) {
            for element in split.elements {
                prop_assert!(body.as_bytes().get(element).is_some());
            }
        }
        let _ = object(body.as_bytes());
    }

    #[test]
    fn a_valid_array_yields_its_elements(items in prop::collection::vec(json(), 0..6), pretty: bool) {
        let body = if pretty { serde_json::to_vec_pretty(&items) } else { serde_json::to_vec(&items) }.unwrap();
        let split = split(&body, false, 10).unwrap();
        let found: Vec<serde_json::Value> =
            split.elements.into_iter().map(|range| serde_json::from_slice(&body[range]).unwrap()).collect();
        prop_assert_eq!(found, items);
    }

    #[test]
    fn a_valid_object_yields_its_members(members in prop::collection::vec((r#"[a-z"\\]{0,4}"#, json()), 0..5)) {
        let value = serde_json::Value::Object(members.into_iter().collect());
        let body = serde_json::to_vec(&value).unwrap();
        let found: serde_json::Map<String, serde_json::Value> = object(&body).unwrap().into_iter()
            .map(|member| (member.key, serde_json::from_slice(&body[member.value]).unwrap())).collect();
        prop_assert_eq!(serde_json::Value::Object(found), value);
    }
}
