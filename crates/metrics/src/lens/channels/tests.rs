//! Which marks are kept, and what they tell of channels.

use super::*;
use journey::Day;

fn mark(at: i64, tag: u16, channel: &str) -> Mark {
    Mark { micros: at * 1_000_000, day: Day::from_number(0), tag, label: channel.into(), value: 0 }
}

fn told(marks: &[Mark]) -> Told {
    let mut told = Told::new();
    tell(false, marks, &mut told);
    told
}

const OWN: u16 = EXPOSURE | 1 << ARM_SHIFT;

#[test]
fn a_thirteenth_channel_is_another_one() {
    let mut marks = vec![mark(0, OWN, "")];
    for n in 0..15 {
        let sign: Sign = (TOUCH, format!("c{n:02}").into(), 0);
        if is_news(&marks, &sign) {
            marks.push(mark(n + 1, sign.0, &sign.1));
        }
    }
    // The thirteenth tells that there are others; the rest tells nothing more.
    assert_eq!(marks.len(), 14);
    let mut wanted: Vec<Arc<str>> = (0..12).map(|n| format!("c{n:02}").into()).collect();
    wanted.push(OTHER.into());
    let key = ChannelKey::Channels(wanted);
    assert_eq!(channel_key_of(&key.text()), Some(key.clone()));
    assert!(told(&marks).contains_key(&key.text()));
}

#[test]
fn what_fails_on_a_channel_was_not_received_until_it_arrives() {
    let outcome = |marks: &[Mark]| outcome(1, marks);
    let email = mark(0, OWN, "email");
    let bounced = mark(1, UNDELIVERED, "email");
    assert_eq!(outcome(std::slice::from_ref(&email)), ChannelKey::Received);
    assert_eq!(outcome(&[email.clone(), bounced.clone()]), ChannelKey::Undelivered);
    assert_eq!(outcome(&[email.clone(), mark(1, UNDELIVERED, "push")]), ChannelKey::Received);
    assert_eq!(outcome(&[email.clone(), mark(1, UNDELIVERED, "")]), ChannelKey::Undelivered);
    assert_eq!(outcome(&[email.clone(), bounced.clone(), mark(2, DELIVERED, "email")]), ChannelKey::Received);
    assert_eq!(outcome(&[email.clone(), bounced.clone(), mark(2, OWN, "web")]), ChannelKey::Received);
    assert_eq!(outcome(&[email, mark(0, OWN, "web"), bounced]), ChannelKey::Received);
    assert_eq!(outcome(&[mark(0, OWN | FALLBACK, "web")]), ChannelKey::Fallback);
    assert_eq!(outcome(&[mark(0, OWN | NO_CONSENT, "web")]), ChannelKey::NoConsent);
    // What another arm shows is not what was assigned.
    let other = mark(1, EXPOSURE | 2 << ARM_SHIFT, "web");
    assert_eq!(outcome(&[mark(0, OWN | FALLBACK, "web"), other]), ChannelKey::Fallback);
}

/// What fails and arrives at once has arrived: a thousand of such events tell no more than the first, until one fails alone.
#[test]
fn what_fails_and_arrives_at_once_is_told_once() {
    let mut marks = vec![mark(0, OWN, "email")];
    let mut send = |times: i64, tag: u16| {
        for _ in 0..times {
            let sign: Sign = (tag, "email".into(), 0);
            if is_news(&marks, &sign) {
                marks.push(mark(marks.last().unwrap().micros / 1_000_000 + 1, tag, "email"));
            }
        }
        (marks.len(), outcome(1, &marks))
    };
    assert_eq!(send(1_000, DELIVERED | UNDELIVERED), (2, ChannelKey::Received));
    assert_eq!(send(1_000, UNDELIVERED), (3, ChannelKey::Undelivered));
    assert_eq!(send(1_000, DELIVERED | UNDELIVERED), (4, ChannelKey::Received));
}

#[test]
fn keys_read_back() {
    let label: Arc<str> = "in_store".into();
    for key in [
        ChannelKey::Channels(Vec::new()),
        ChannelKey::Channels(vec!["app".into(), label.clone()]),
        ChannelKey::ExposedOn("".into()),
        ChannelKey::ExposedOn(label),
        ChannelKey::Consistent,
        ChannelKey::OnSeveral,
        ChannelKey::ConsistentOnSeveral,
        ChannelKey::Received,
        ChannelKey::Fallback,
        ChannelKey::NoConsent,
        ChannelKey::Undelivered,
        ChannelKey::Triggered,
        ChannelKey::Delay(17),
    ] {
        assert_eq!(channel_key_of(&key.text()), Some(key));
    }
    assert_eq!(channel_key_of("z"), None);
    assert_eq!(channel_key_of(""), None);
}
