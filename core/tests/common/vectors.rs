//! The wire vectors of `conformance/vectors`: how the endpoint is configured for one, and what the events mean that it names.

use super::{close, describe};
use serde_json::Value;
use timtow_core::{Config, Event, Message, Origins, Role};

/// Those whose configuration this build of the core can have.
pub fn vectors(json: &str) -> Vec<Value> {
    let vectors: Vec<Value> = serde_json::from_str(json).unwrap();
    let can_be_had = |vector: &Value| {
        (cfg!(feature = "deflate") || !asks_for_deflate(vector))
            && (cfg!(feature = "legacy") || !asks_for_drafts(vector))
    };
    vectors.into_iter().filter(can_be_had).collect()
}

pub fn asks_for_deflate(vector: &Value) -> bool {
    vector["config"]["deflate"] == true
}

fn asks_for_drafts(vector: &Value) -> bool {
    strings(&vector["config"]["drafts"]).is_some_and(|drafts| drafts != ["13"])
}

pub fn name(vector: &Value) -> &str {
    vector["id"].as_str().or(vector["name"].as_str()).unwrap()
}

pub fn bytes(hex: &Value) -> Vec<u8> {
    let digits = hex.as_str().unwrap().as_bytes();
    digits.chunks(2).map(|digits| u8::from_str_radix(str::from_utf8(digits).unwrap(), 16).unwrap()).collect()
}

pub fn strings(list: &Value) -> Option<Vec<String>> {
    Some(list.as_array()?.iter().map(|item| item.as_str().unwrap().into()).collect())
}

pub fn role(vector: &Value) -> Role {
    if vector["role"] == "client" { Role::Client } else { Role::Server }
}

/// Made anew for each connection, so that all have the same masks.
///
/// # Panics
/// Where the vector wants something that is not known here.
pub fn configured(vector: &Value) -> Config {
    let mut config = super::config();
    config.subprotocols = strings(&vector["subprotocols"]).unwrap_or_default();
    for (setting, value) in vector["config"].as_object().into_iter().flatten() {
        match setting.as_str() {
            "max_message" => {
                config.max_message = value.as_u64().unwrap() as usize;
                config.max_frame = config.max_message;
            }
            "origins" => config.origins = strings(value).map_or(Origins::Any, Origins::List),
            "deflate" if *value == false => {}
            #[cfg(feature = "deflate")]
            "deflate" => config.deflate = Some(timtow_core::Deflate::default()),
            #[cfg(feature = "legacy")]
            "drafts" => config.drafts = strings(value).unwrap().iter().map(|name| name.parse().unwrap()).collect(),
            #[cfg(not(feature = "legacy"))]
            "drafts" => assert!(!asks_for_drafts(vector)),
            other => panic!("{other} is not understood"),
        }
    }
    config
}

/// The events of a vector, in words, and the frames that answer them (RFC 6455 5.5.1 and 5.5.2).
pub fn expected(vector: &Value) -> (Vec<String>, Vec<(u8, Vec<u8>)>) {
    let (mut events, mut sent) = (vec![], vec![]);
    for event in vector["events"].as_array().into_iter().flatten() {
        let payload = || bytes(&event["payload"]);
        events.push(match event["type"].as_str().unwrap() {
            "text" => describe(&Event::Message(Message::Text(String::from_utf8(payload()).unwrap().into()))),
            "binary" => describe(&Event::Message(Message::Binary(payload().into()))),
            "ping" => {
                sent.push((0x8a, payload()));
                describe(&Event::Ping(payload().into()))
            }
            "pong" => describe(&Event::Pong(payload().into())),
            "close" => {
                let code = event["code"].as_u64().map_or(1005, |code| code as u16);
                sent.push((0x88, if code == 1005 { vec![] } else { close(code) }));
                format!("closed {code} {} Handshake", event["reason"].as_str().unwrap_or_default())
            }
            other => panic!("what is {other}?"),
        });
    }
    if let Some(code) = vector["close_code"].as_u64()
        && sent.last().is_none_or(|(first, _)| *first != 0x88)
    {
        sent.push((0x88, close(code as u16)));
    }
    (events, sent)
}
