//! The drafts that came before RFC 6455 and were spoken by browsers.

use core::{fmt, str::FromStr};

/// A version of the protocol that was spoken in public, newest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Draft {
    /// RFC 6455, December 2011: version 13.
    #[default]
    Rfc6455,
    /// draft-ietf-hybi-thewebsocketprotocol-08 to -10, summer 2011: version 8. The frames are those of the RFC.
    Hybi08,
    /// draft-ietf-hybi-thewebsocketprotocol-07, April 2011: version 7. The frames are those of the RFC.
    Hybi07,
    /// draft-hixie-thewebsocketprotocol-76, May 2010, which is also draft-ietf-hybi-thewebsocketprotocol-00: text only.
    Hixie76,
    /// draft-hixie-thewebsocketprotocol-75, February 2010: text only, and no closing handshake.
    Hixie75,
}

/// A set of [`Draft`]s: those that are spoken.
///
/// ```
/// use timtow_core::{Config, Draft, Drafts};
/// let config = Config { drafts: Drafts { hixie_76: true, ..Drafts::default() }, ..Config::default() };
/// assert_eq!(config.drafts, Drafts::from_iter([Draft::Hixie76, Draft::Rfc6455]));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Drafts {
    /// RFC 6455, on by default.
    pub rfc6455: bool,
    /// Version 8.
    pub hybi_08: bool,
    /// Version 7.
    pub hybi_07: bool,
    /// hixie-76.
    pub hixie_76: bool,
    /// hixie-75.
    pub hixie_75: bool,
}

impl Draft {
    /// All of them, newest first.
    pub const ALL: [Draft; 5] = [Draft::Rfc6455, Draft::Hybi08, Draft::Hybi07, Draft::Hixie76, Draft::Hixie75];

    /// What `Sec-WebSocket-Version` says, or the name of a draft that had no such field: `13`, `8`, `7`, `hixie-76` or
    /// `hixie-75`.
    pub const fn name(self) -> &'static str {
        match self {
            Draft::Rfc6455 => "13",
            Draft::Hybi08 => "8",
            Draft::Hybi07 => "7",
            Draft::Hixie76 => "hixie-76",
            Draft::Hixie75 => "hixie-75",
        }
    }

    /// Whether messages are `00`, text, `ff`: whether nothing else can be sent.
    pub const fn is_hixie(self) -> bool {
        matches!(self, Draft::Hixie76 | Draft::Hixie75)
    }
}

impl Drafts {
    /// Whether it is spoken.
    pub const fn contains(&self, draft: Draft) -> bool {
        match draft {
            Draft::Rfc6455 => self.rfc6455,
            Draft::Hybi08 => self.hybi_08,
            Draft::Hybi07 => self.hybi_07,
            Draft::Hixie76 => self.hixie_76,
            Draft::Hixie75 => self.hixie_75,
        }
    }

    /// Those that are spoken, newest first.
    pub fn iter(&self) -> impl Iterator<Item = Draft> {
        Draft::ALL.into_iter().filter(|draft| self.contains(*draft))
    }
}

impl Default for Drafts {
    /// RFC 6455 alone.
    fn default() -> Self {
        Drafts::from_iter([Draft::Rfc6455])
    }
}

impl FromIterator<Draft> for Drafts {
    fn from_iter<T: IntoIterator<Item = Draft>>(drafts: T) -> Self {
        let mut set = Drafts { rfc6455: false, hybi_08: false, hybi_07: false, hixie_76: false, hixie_75: false };
        for draft in drafts {
            *match draft {
                Draft::Rfc6455 => &mut set.rfc6455,
                Draft::Hybi08 => &mut set.hybi_08,
                Draft::Hybi07 => &mut set.hybi_07,
                Draft::Hixie76 => &mut set.hixie_76,
                Draft::Hixie75 => &mut set.hixie_75,
            } = true;
        }
        set
    }
}

impl fmt::Display for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// It is the name of no draft that is known here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnknownDraft;

impl fmt::Display for UnknownDraft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not one of 13, 8, 7, hixie-76 and hixie-75")
    }
}

impl core::error::Error for UnknownDraft {}

impl FromStr for Draft {
    type Err = UnknownDraft;

    fn from_str(name: &str) -> Result<Self, UnknownDraft> {
        Draft::ALL.into_iter().find(|draft| draft.name() == name).ok_or(UnknownDraft)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_in_the_set_that_is_made_of_it_and_in_no_other() {
        for one in Draft::ALL {
            let set = Drafts::from_iter([one]);
            assert_eq!(set.iter().collect::<alloc::vec::Vec<_>>(), [one]);
            assert_eq!(one.name().parse(), Ok(one));
            assert_eq!(one.is_hixie(), one.name().starts_with("hixie"));
        }
        assert_eq!("hixie".parse::<Draft>(), Err(UnknownDraft));
        assert_eq!(Drafts::default().iter().collect::<alloc::vec::Vec<_>>(), [Draft::Rfc6455]);
    }
}
