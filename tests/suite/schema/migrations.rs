//! The text of the migrations: what later machines and people rely on.

use super::words;

tests::cases![each_file_is_one_statement_without_what_a_distributed_postgres_lacks, constraints_have_names];

fn files() -> Vec<(String, String)> {
    let folder = tests::contract::repository().join("migrations");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sql"))
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read_to_string(path).unwrap()))
        .collect();
    files.sort();
    assert!(files.len() >= 16, "only {} migrations", files.len());
    files
}

async fn each_file_is_one_statement_without_what_a_distributed_postgres_lacks() {
    for (at, (name, text)) in files().into_iter().enumerate() {
        assert!(name.starts_with(&format!("{:04}_", at + 1)), "{name} is not number {}", at + 1);
        assert!(text.starts_with("-- "), "{name} does not say what it is about");
        let words = words(&text);
        let block = words.first().is_some_and(|word| word == "do");
        if block {
            assert_eq!(text.matches("$$").count(), 2, "{name} is more than one DO block");
            assert!(text.trim_end().ends_with("END $$;"), "{name} does not end with its block");
        } else {
            assert_eq!(words.iter().filter(|word| *word == ";").count(), 1, "{name} is more than one statement");
        }
        for forbidden in [
            "trigger",
            "rule",
            "inherits",
            "unlogged",
            "merge",
            "ctid",
            "serial",
            "bigserial",
            "smallserial",
            "extension",
        ] {
            assert!(!words.iter().any(|word| word == forbidden), "{name} uses {forbidden}");
        }
        let concurrent = words.iter().any(|word| word == "concurrently");
        assert_eq!(concurrent, text.contains("-- no-transaction"), "{name}: CONCURRENTLY goes with -- no-transaction");
    }
}

async fn constraints_have_names() {
    for (name, text) in files() {
        let words = words(&text);
        for (at, word) in words.iter().enumerate() {
            let next = words.get(at + 1).map_or("", String::as_str);
            let begins = match word.as_str() {
                "primary" | "foreign" => next == "key",
                "check" => next == "(" && words[at - 1] != "with",
                "unique" => next == "(",
                "references" => {
                    // Its constraint begins before, with FOREIGN KEY.
                    assert_eq!(words[at - 1], ")", "{name}: a column's own REFERENCES has no name");
                    false
                }
                _ => false,
            };
            assert!(!begins || words[at - 2] == "constraint", "{name}: {word} {next} has no CONSTRAINT name before it");
        }
    }
}
