//! The feed: reads the input on a thread of its own and cuts it into batches.

use std::collections::HashSet;
use std::io::BufRead;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;

use super::args::Format;
use super::batch::{Batch, Refusal};
use super::event::{Place, event, passed_on};
use super::mapping::Mapping;
use super::reader::{DIGEST_START, Records, digest};
use super::record::{Record, Value};
use super::state::From;
use super::times::TimeFormat;

/// What the lines become.
#[derive(Debug, Clone)]
pub(crate) struct Recipe {
    /// What the lines hold.
    pub(crate) format: Format,
    /// From columns to fields; `None`: the lines are events already.
    pub(crate) mapping: Option<Mapping>,
    /// Columns that must hold a text.
    pub(crate) only: Vec<(String, String)>,
    /// How times are written.
    pub(crate) times: TimeFormat,
    /// The name of the input.
    pub(crate) source: String,
}

/// What is known of an input once it was read to its end.
#[derive(Debug, Default, Clone)]
pub(crate) struct Ended {
    /// Lines that `only` left out.
    pub(crate) left_out: u64,
    /// Columns of the mapping that no line had.
    pub(crate) never_seen: Vec<String>,
}

/// Reads records from `from` on and sends batches until the end, a fault, or until nobody listens.
pub(crate) fn feed<R: BufRead>(
    mut records: Records<R>,
    recipe: &Recipe,
    from: From,
    bytes: &Arc<AtomicU64>,
    out: &mpsc::Sender<anyhow::Result<Batch>>,
) -> Ended {
    let mut ended = Ended::default();
    if let Err(error) = try_feed(&mut records, recipe, from, bytes, out, &mut ended) {
        // Whoever listened may be gone; then the reason is of no use.
        let _ = out.blocking_send(Err(error));
    }
    ended
}

fn try_feed<R: BufRead>(
    records: &mut Records<R>,
    recipe: &Recipe,
    from: From,
    bytes: &Arc<AtomicU64>,
    out: &mpsc::Sender<anyhow::Result<Batch>>,
    ended: &mut Ended,
) -> anyhow::Result<()> {
    let mut unseen: HashSet<&str> = recipe.mapping.iter().flat_map(Mapping::columns).collect();
    let (mut number, mut state) = (0, DIGEST_START);
    let mut batch = Batch::default();
    while let Some(found) = records.next()? {
        number += 1;
        state = digest(state, &found.digest.to_be_bytes());
        if number <= from.records {
            anyhow::ensure!(
                number < from.records || state == from.digest,
                "the first {number} records are not those that were imported: begin again with --restart \
                 (whatever did not change counts once all the same)"
            );
            continue;
        }
        let place = Place { source: &recipe.source, line: found.line, record: number, digest: found.digest };
        let text = found.record.and_then(|record| {
            if let Some((column, _)) = recipe.only.iter().find(|(column, text)| !holds(&record, column, text)) {
                tracing::trace!(line = found.line, column, "left out");
                ended.left_out += 1;
                return Ok(None);
            }
            if !unseen.is_empty() {
                unseen.retain(|column| record.get(column).is_none());
            }
            become_event(&record, recipe, place).map(Some)
        });
        if !batch.has_room(text.as_ref().map_or(0, |text| text.as_ref().map_or(0, String::len))) {
            let full = std::mem::take(&mut batch);
            if out.blocking_send(Ok(full)).is_err() {
                return Ok(());
            }
        }
        match text {
            Ok(Some(text)) => batch.push(text.as_bytes(), found.line),
            Ok(None) => {}
            Err(refusal) => batch.refused.push(refusal),
        }
        batch.end.records = number;
        batch.end.digest = state;
        batch.end.bytes = bytes.load(Ordering::Relaxed);
    }
    anyhow::ensure!(
        number >= from.records,
        "the input has {number} records, and {} were imported before: begin again with --restart",
        from.records
    );
    if number > from.records {
        let _ = out.blocking_send(Ok(batch));
        ended.never_seen = unseen.into_iter().map(str::to_owned).collect();
        ended.never_seen.sort();
    }
    Ok(())
}

fn holds(record: &Record, column: &str, wanted: &str) -> bool {
    match record.get(column) {
        Some(Value::Text(text) | Value::Json(text)) => text == wanted,
        None => wanted.is_empty(),
    }
}

fn become_event(record: &Record, recipe: &Recipe, place: Place<'_>) -> Result<String, Refusal> {
    if let Some(mapping) = &recipe.mapping {
        return event(record, mapping, &recipe.times, place);
    }
    let Record::Object(line, _) = record else { return event(record, &Mapping::default(), &recipe.times, place) };
    Ok(match recipe.format {
        Format::Segment => passed_on(line, record, place, "messageId", "event"),
        Format::Csv | Format::Jsonl => passed_on(line, record, place, "event_id", "name"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::reader::Lines;

    fn recipe() -> Recipe {
        Recipe {
            format: Format::Jsonl,
            mapping: Some(Mapping::parse(&["user_id=u,name=:A,value=v".to_owned()]).unwrap()),
            only: Vec::new(),
            times: TimeFormat::Rfc3339,
            source: "test".into(),
        }
    }

    fn run(text: &'static str, recipe: &Recipe, from: From) -> (Vec<anyhow::Result<Batch>>, Ended) {
        let (out, mut batches) = mpsc::channel(100);
        let ended = feed(Records::Lines(Lines::new(text.as_bytes())), recipe, from, &Arc::default(), &out);
        drop(out);
        (std::iter::from_fn(|| batches.blocking_recv()).collect(), ended)
    }

    fn ids(batch: &Batch) -> Vec<String> {
        (0..batch.len())
            .map(|at| {
                serde_json::from_str::<serde_json::Value>(batch.event(at).unwrap().get()).unwrap()["event_id"]
                    .to_string()
            })
            .collect()
    }

    #[test]
    fn goes_on_after_what_was_done_with_the_same_ids() {
        const TEXT: &str = "{\"u\":\"1\"}\nx\n{\"u\":\"2\"}\n{\"u\":\"2\"}\n";
        let (all, ended) = run(TEXT, &recipe(), From::default());
        let all = all[0].as_ref().unwrap();
        assert_eq!((all.len(), all.refused.len(), all.end.records), (3, 1, 4));
        assert_eq!((all.refused[0].line, ended.never_seen.as_slice()), (2, &["v".to_owned()][..]));
        assert_eq!(ids(all).iter().collect::<HashSet<_>>().len(), 3, "equal lines are different events");
        let first = run("{\"u\":\"1\"}\nx\n", &recipe(), From::default()).0;
        let end = first[0].as_ref().unwrap().end;
        let (rest, _) = run(TEXT, &recipe(), From { records: end.records, digest: end.digest });
        let rest = rest[0].as_ref().unwrap();
        assert_eq!(ids(rest), ids(all)[1..]);
        assert_eq!(rest.end.digest, all.end.digest);
    }

    #[test]
    fn a_changed_input_does_not_go_on() {
        let from = From { records: 1, digest: 1 };
        assert!(
            run("{\"u\":\"1\"}\n{}\n", &recipe(), from).0[0].as_ref().unwrap_err().to_string().contains("--restart")
        );
        assert!(run("", &recipe(), from).0[0].as_ref().unwrap_err().to_string().contains("--restart"));
    }

    #[test]
    fn nothing_new_sends_nothing() {
        let end = run("{\"u\":\"1\"}\n", &recipe(), From::default()).0[0].as_ref().unwrap().end;
        assert!(run("{\"u\":\"1\"}\n", &recipe(), From { records: end.records, digest: end.digest }).0.is_empty());
    }

    #[test]
    fn only_leaves_out_without_refusing() {
        let recipe = Recipe { only: vec![("v".into(), "1".into())], ..recipe() };
        let (batches, ended) =
            run("{\"u\":\"1\",\"v\":1}\n{\"u\":\"2\",\"v\":\"0\"}\n{\"u\":\"3\"}\n", &recipe, From::default());
        let batch = batches[0].as_ref().unwrap();
        assert_eq!((batch.len(), batch.refused.len(), ended.left_out, batch.end.records), (1, 0, 2, 3));
    }
}
