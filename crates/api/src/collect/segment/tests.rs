//! The requests that the client libraries send, as captured from them.

use super::*;
use crate::collect::split;
use journey::Event;

fn receipt() -> Receipt {
    Receipt { at: Instant::parse("2026-11-24T17:59:58Z", "").unwrap(), limits: Limits::default() }
}

fn one(source: &str, call: Option<Call>, common: &Common) -> Result<EventDraft, Invalid> {
    draft(crate::json::parse(source.as_bytes()).unwrap(), call, common, receipt(), || "fresh".to_owned())
}

/// Every item of a batch as a valid event.
fn batch(source: &str) -> Vec<Event> {
    let body = source.as_bytes();
    let members = split::object(body).unwrap();
    let part = |name: &str| {
        members
            .iter()
            .find(|member| member.key == name)
            .map(|member| crate::json::parse(&body[member.value.clone()]).unwrap())
    };
    let common = Common {
        context: part("context"),
        integrations: part("integrations"),
        sent_at: part("sentAt").and_then(|at| at.as_text().map(str::to_owned)),
    };
    let items = members.iter().find(|member| member.key == "batch").unwrap();
    let (items, _) = split::array(body, items.value.start, 100).unwrap();
    items
        .into_iter()
        .map(|item| one(&source[item], None, &common).unwrap())
        .map(|draft| Event::validate(draft, receipt().limits, receipt().at).unwrap())
        .collect()
}

fn text(json: &Json) -> String {
    let mut out = String::new();
    json.write(&mut out);
    out
}

#[test]
fn segment_python_2_4_0() {
    let events = batch(
        r#"{"batch":[
 {"integrations":{},"anonymousId":null,"timestamp":"2026-11-24T17:59:57.113+00:00","context":{"library":{"name":"analytics-python","version":"2.4.0"}},"type":"identify","userId":"u1","traits":{"email":"a@b.c","plan":"pro"},"messageId":"b1abdaba-dc98-4780-8add-96d9db2b322f"},
 {"integrations":{},"anonymousId":null,"properties":{"order_id":"o1","revenue":25.0,"total":27.5,"currency":"USD"},"timestamp":"2026-01-02T03:04:05.000+00:00","context":{"library":{"name":"analytics-python","version":"2.4.0"}},"userId":"u1","type":"track","event":"Order Completed","messageId":"7d0bf2b5-0c3c-4bb4-a6e1-0f6d0f1f7f10"},
 {"integrations":{"All":false},"anonymousId":"anon-1","properties":{},"timestamp":"2026-11-24T17:59:57.113+00:00","context":{"ip":"1.2.3.4"},"userId":"u1","type":"track","event":"Naive","messageId":"my-msg-1"},
 {"anonymousId":"anon-1","category":"cat","type":"page","name":"Home","properties":{"url":"https://x"},"messageId":"m4"},
 {"anonymousId":"anon-1","type":"screen","name":"Main","messageId":"m5"},
 {"type":"group","groupId":"g1","traits":{"name":"Initech"},"userId":"u1","messageId":"m6"},
 {"type":"alias","previousId":"anon-1","userId":"u1","anonymousId":null,"messageId":"m7"}],
 "sentAt":"2026-11-24T17:59:57.613835+00:00","writeKey":"WRITEKEY"}"#,
    );
    let names: Vec<_> = events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["Identified", "Order Completed", "Naive", "Page Viewed", "Screen Viewed", "Grouped", "Aliased"]);
    assert_eq!(text(events[0].data.get("traits").unwrap()), r#"{"email":"a@b.c","plan":"pro"}"#);
    assert_eq!(events[1].value.unwrap().to_string(), "25");
    assert_eq!(events[1].currency.unwrap().code(), "USD");
    // sentAt is less than a second before the receipt: the time stays as it was sent.
    assert_eq!(events[1].at.unwrap().to_string(), "2026-01-02T03:04:05Z");
    assert_eq!(events[2].linked[0].key(), "a:anon-1");
    assert_eq!(events[2].data.get("context").unwrap().get("ip").unwrap().as_text(), Some("1.2.3.4"));
    assert_eq!(events[3].channel, Some(Channel::Web));
    assert_eq!(
        text(events[3].data.get("properties").unwrap()),
        r#"{"category":"cat","name":"Home","url":"https://x"}"#
    );
    assert_eq!(events[4].channel, Some(Channel::App));
    assert_eq!(text(events[5].data.get("properties").unwrap()), r#"{"groupId":"g1","traits":{"name":"Initech"}}"#);
    assert!(events[5].data.get("traits").is_none());
    assert_eq!(events[6].subject.key(), "u:u1");
    assert!(events[6].linked.iter().any(|subject| subject.key() == "a:anon-1"));
    assert!(!events.iter().any(|event| text(&event.data).contains("WRITEKEY")));
}

#[test]
fn analytics_node_3_1_0() {
    let events = batch(
        r#"{"batch":[{"timestamp":"2026-11-24T18:00:45.271Z","integrations":{},"type":"identify","userId":"u1","traits":{"email":"a@b.c"},"context":{"library":{"name":"@segment/analytics-node","version":"3.1.0"}},"messageId":"node-next-1795543245271-a3ebbd9f-f398-400a-9882-ffbb579b97ab","_metadata":{"nodeVersion":"v20.20.2","jsRuntime":"node"}}],"writeKey":"WRITEKEY","sentAt":"2026-11-24T18:00:45.303Z"}"#,
    );
    // The sender's clock is 47.303 s fast.
    assert_eq!(events[0].at.unwrap().to_string(), "2026-11-24T17:59:57.968Z");
    let metadata = events[0].data.get("context").unwrap().get("_metadata").unwrap();
    assert_eq!(metadata.get("jsRuntime").unwrap().as_text(), Some("node"));
}

#[test]
fn rudder_python_2_1_9_and_node_3_0_13() {
    let events = batch(
        r#"{"batch":[
 {"integrations":{"All":true},"anonymousId":"","channel":"server","timestamp":"2026-11-24T17:59:57.113456+00:00","context":{"library":{"name":"rudder-analytics-python","version":"2.1.9"},"traits":{"plan":"pro"}},"type":"identify","userId":42,"messageId":"r1"},
 {"type":"track","event":"Order Refunded","userId":"u1","properties":{"order_id":"o1","total":27.5,"currency":"USD"},"originalTimestamp":"2026-11-24T17:59:00Z","sentAt":"2026-11-24T17:59:57Z","timestamp":"2026-11-24T18:59:00Z","context":{"library":{"name":"RudderLabs JavaScript SDK"}},"messageId":"r2"}],
 "timestamp":"2026-11-24T17:59:57.700Z","sentAt":"2026-11-24T17:59:57.700Z"}"#,
    );
    assert_eq!(events[0].subject.key(), "u:42");
    assert_eq!(text(events[0].data.get("traits").unwrap()), r#"{"plan":"pro"}"#);
    assert_eq!(events[0].data.get("context").unwrap().get("channel").unwrap().as_text(), Some("server"));
    assert_eq!(events[1].value.unwrap().to_string(), "-27.5");
    assert_eq!(events[1].at.unwrap().to_string(), "2026-11-24T17:59:00Z");
    assert_eq!(events[1].channel, Some(Channel::Web));
}

#[test]
fn a_browser_posts_single_calls() {
    let source = r#"{"messageId":"ajs-next-1","timestamp":"2026-11-24T17:59:57Z","type":"track","event":"Email Link Clicked","anonymousId":"a1",
        "properties":{"channel":"billboard"},"context":{"library":{"name":"analytics.js"}},"writeKey":"K","sentAt":null}"#;
    let draft = one(source, Some(Call::Track), &Common::default()).unwrap();
    // An unknown channel is no reason to lose the event: the name tells another.
    assert_eq!(draft.channel.as_deref(), Some("email"));
    assert!(!text(&draft.context.unwrap()).contains("writeKey"));
}

#[test]
fn what_is_missing_is_refused_in_the_words_of_segment() {
    let refused = |source: &str, call| {
        let refusal = one(source, call, &Common::default())
            .and_then(|draft| Event::validate(draft, receipt().limits, receipt().at))
            .map_err(in_words_of_segment)
            .unwrap_err();
        (refusal.code, refusal.pointer)
    };
    let is = |code, pointer: &str| (code, pointer.to_owned());
    assert_eq!(refused(r#"{"userId":"u"}"#, Some(Call::Track)), is("missing_name", "/event"));
    assert_eq!(
        refused(r#"{"event":"E","userId":"","anonymousId":null}"#, Some(Call::Track)),
        is("missing_identity", "/userId")
    );
    assert_eq!(refused(r#"{"userId":"u"}"#, None), is("missing_type", "/type"));
    assert_eq!(refused(r#"{"userId":"u","type":"delete"}"#, None), is("unknown_type", "/type"));
    assert_eq!(refused(r#"{"event":"E","userId":{}}"#, Some(Call::Track)), is("wrong_type", "/userId"));
    assert_eq!(
        refused(r#"{"event":"E","userId":"u","properties":[]}"#, Some(Call::Track)),
        is("not_an_object", "/properties")
    );
    assert_eq!(
        refused(r#"{"event":"E","userId":"u","timestamp":"yesterday"}"#, Some(Call::Track)),
        is("invalid_time", "/timestamp")
    );
    assert_eq!(
        refused(r#"{"event":"E","userId":"u","properties":{"revenue":1e12}}"#, Some(Call::Track)),
        is("out_of_range", "/properties/revenue")
    );
}

#[test]
fn a_call_without_an_id_gets_a_fresh_one() {
    let draft = one(r#"{"event":"E","userId":"u","messageId":""}"#, Some(Call::Track), &Common::default()).unwrap();
    assert_eq!(draft.event_id.as_deref(), Some("fresh"));
}

#[test]
fn the_context_of_the_batch_fills_in() {
    let common = Common {
        context: Some(crate::json::parse(br#"{"ip":"1.1.1.1","app":"x"}"#).unwrap()),
        integrations: Some(crate::json::parse(br#"{"All":true}"#).unwrap()),
        sent_at: None,
    };
    let source = r#"{"event":"E","userId":"u","context":{"ip":"2.2.2.2","app":null},"integrations":{"All":false}}"#;
    let context = one(source, Some(Call::Track), &common).unwrap().context.unwrap();
    assert_eq!(text(&context), r#"{"app":"x","integrations":{"All":false},"ip":"2.2.2.2"}"#);
}
