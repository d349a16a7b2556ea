//! The wire vectors: which of them each case of the suite runs, and how the endpoint is configured for one.

use crate::rfc7692;
use serde_json::Value;
use timtow_core::{Config, Origins, Role};

/// Each vector is of one kind, which one case runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Frames,
    Events,
    Accepts,
    Handshakes,
    Requests,
    Responses,
    OwnFrames,
    OwnRequests,
    OwnResponses,
    DraftFrames,
    DraftRequests,
    DraftResponses,
}

const FILES: [(&str, &str); 5] = [
    ("frames", include_str!("../vectors/frames.json")),
    ("handshakes", include_str!("../vectors/handshakes.json")),
    ("legacy", include_str!("../vectors/legacy.json")),
    ("more", include_str!("../vectors/more.json")),
    ("rfc6455", include_str!("../vectors/rfc6455.json")),
];

impl Kind {
    /// Those that are for an endpoint of this role.
    pub(crate) fn vectors(self, role: Role) -> Vec<Value> {
        let of_this_kind = |(file, json): &(&str, &str)| {
            let vectors: Vec<Value> = serde_json::from_str(json).expect("JSON");
            let file = file.to_string();
            vectors.into_iter().filter(move |vector| Kind::of(&file, vector) == self && is_for(role, vector))
        };
        FILES.iter().flat_map(of_this_kind).collect()
    }

    fn of(file: &str, vector: &Value) -> Self {
        match (file, vector["kind"].as_str(), vector["role"].as_str()) {
            ("frames", None, _) => Kind::Frames,
            ("handshakes", None, None) => Kind::Handshakes,
            ("rfc6455", Some("frames-in"), _) => Kind::Events,
            ("rfc6455", Some("accept"), _) => Kind::Accepts,
            ("rfc6455", None, Some("server")) => Kind::Requests,
            ("rfc6455", None, Some("client")) => Kind::Responses,
            ("more", Some("frames-in"), _) => Kind::OwnFrames,
            ("more", Some("request"), _) => Kind::OwnRequests,
            ("more", Some("response"), _) => Kind::OwnResponses,
            ("legacy", Some("frames-in" | "encode" | "close"), _) => Kind::DraftFrames,
            ("legacy", Some("challenge"), _) | ("legacy", None, Some("server")) => Kind::DraftRequests,
            ("legacy", None, Some("client")) => Kind::DraftResponses,
            _ => panic!("{file} has a vector of no kind: {vector}"),
        }
    }
}

/// A vector that names no role is a request.
fn is_for(role: Role, vector: &Value) -> bool {
    match vector["role"].as_str() {
        Some("both") => true,
        Some("client") => role == Role::Client,
        Some("server") | None => role == Role::Server,
        Some(other) => panic!("{other} is no role"),
    }
}

/// How the endpoint is configured for it.
pub(crate) fn configured(vector: &Value) -> Config {
    let mut config = Config { subprotocols: strings(&vector["subprotocols"]).unwrap_or_default(), ..Config::default() };
    config.origins = Origins::Any;
    for (setting, value) in vector["config"].as_object().into_iter().flatten() {
        match setting.as_str() {
            "max_message" => {
                config.max_message = value.as_u64().expect("a number") as usize;
                config.max_frame = config.max_message;
            }
            "origins" => config.origins = strings(value).map_or(Origins::Any, Origins::List),
            "deflate" => config.deflate = rfc7692::config().deflate.filter(|_| *value == true),
            "drafts" => {
                let drafts = strings(value).expect("drafts");
                config.drafts = drafts.iter().map(|name| name.parse().expect("a draft")).collect();
            }
            other => panic!("{other} is not understood"),
        }
    }
    config
}

/// The bytes that a value stands for.
pub(crate) fn bytes(hex: &Value) -> Vec<u8> {
    let digits = hex.as_str().unwrap_or_else(|| panic!("{hex} is not hex")).as_bytes().as_chunks::<2>().0;
    let byte = |digits: &[u8; 2]| u8::from_str_radix(str::from_utf8(digits).expect("ASCII"), 16).expect("hex");
    digits.iter().map(byte).collect()
}

/// A list of strings, where it is one.
pub(crate) fn strings(list: &Value) -> Option<Vec<String>> {
    Some(list.as_array()?.iter().map(|item| item.as_str().expect("a string").to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// How many of each kind are for a server, and for a client.
    const COUNTS: [(Kind, usize, usize); 12] = [
        (Kind::Frames, 63, 1),
        (Kind::Events, 19, 19),
        (Kind::Accepts, 3, 0),
        (Kind::Handshakes, 31, 0),
        (Kind::Requests, 11, 0),
        (Kind::Responses, 0, 5),
        (Kind::OwnFrames, 67, 63),
        (Kind::OwnRequests, 53, 0),
        (Kind::OwnResponses, 0, 27),
        (Kind::DraftFrames, 42, 48),
        (Kind::DraftRequests, 30, 0),
        (Kind::DraftResponses, 0, 7),
    ];

    #[test]
    fn every_vector_is_run() {
        let mut names = BTreeSet::new();
        for (kind, servers, clients) in COUNTS {
            for (role, count) in [(Role::Server, servers), (Role::Client, clients)] {
                let vectors = kind.vectors(role);
                assert_eq!(vectors.len(), count, "{kind:?} for a {role:?}");
                let name = |vector: &Value| vector.get("id").unwrap_or(&vector["name"]).as_str().map(String::from);
                names.extend(vectors.iter().map(|vector| name(vector).expect("a name")));
            }
        }
        assert_eq!(names.len(), 450);
        let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/vectors")).expect("the vectors");
        assert_eq!(files.count(), FILES.len());
    }

    #[test]
    fn every_kind_has_its_case() {
        let cases = [include_str!("vectors.rs"), include_str!("more_vectors.rs"), include_str!("draft_vectors.rs")];
        for (kind, ..) in COUNTS {
            let runs = cases.concat().matches(&format!("in Kind::{kind:?}.vectors(way.role()) {{")).count();
            assert_eq!(runs, 1, "{kind:?} is run by one case");
        }
    }
}
