//! Where reads end: behind a whole message, where messages are as large as the one before.
//!
//! What begins in one read and ends in the next has to be copied, and so has all that follows it in that read, which could
//! otherwise have gone back from where it came. With 16 messages of 16 KiB in flight this makes a tenth of the server's time.

/// What is there of the next frame.
#[derive(Clone, Copy)]
pub(crate) enum Begun {
    /// So many bytes of its header, or none.
    Header(usize),
    /// All but so many bytes of its payload.
    Payload(usize),
    /// What a transport will make of it.
    Unknown,
}

/// The reads of a loop. What is known is of the connection that was read from last: of another one, whose messages are of another
/// size, it makes a read or two shorter than they could be.
#[derive(Clone, Copy, Default)]
pub(crate) struct Stride {
    /// Bytes of the last longer message that lay whole in a read, with its header; none once others come.
    message: usize,
    /// Reads since then.
    others: usize,
    /// Bytes that the last read had room for.
    room: usize,
    /// There was, or will be, more than one read takes.
    is_full: bool,
    /// Reads in a row that were full.
    full: usize,
}

impl Stride {
    /// Room for the next read, of `most` bytes at most.
    #[inline]
    pub(super) fn room(&mut self, most: usize, begun: Begun) -> usize {
        self.room = most;
        if self.is_full && self.message > 0 {
            let missing = match begun {
                Begun::Header(0) => 0,
                Begun::Header(come) => self.message.saturating_sub(come),
                Begun::Payload(left) => left,
                Begun::Unknown => return most,
            };
            let whole = most.saturating_sub(missing) / self.message;
            if whole > 0 || (1..most).contains(&missing) {
                self.room = missing + whole * self.message;
            }
        }
        self.room
    }

    /// So many bytes were read.
    #[inline]
    pub(super) fn read(&mut self, n: usize) {
        self.is_full = n == self.room;
        self.full = self.full.saturating_add(self.is_full.into());
        self.others = self.others.saturating_add(1);
        // One may have lain in two of them.
        if self.others > 2 {
            self.message = 0;
        }
    }

    /// A message lay whole in what was read.
    #[inline]
    pub(super) fn heard(&mut self, frame: usize) {
        self.message = frame;
        self.others = 0;
    }

    /// There is no more to read now. If there is no more than one read takes next time either, it takes what comes, and needs no
    /// second one to see that it was all.
    #[inline]
    pub(super) fn end(&mut self) {
        self.is_full = self.full > 1;
        self.full = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::{Begun, Stride};

    /// A read of so many bytes, with a message in it.
    fn read(stride: &mut Stride, n: usize) {
        stride.read(n);
        stride.heard(300);
    }

    #[test]
    fn full_reads_end_where_messages_end() {
        let mut stride = Stride::default();
        assert_eq!(stride.room(1000, Begun::Header(0)), 1000);
        read(&mut stride, 999);
        assert_eq!(stride.room(1000, Begun::Payload(200)), 1000, "the last read was not full");
        read(&mut stride, 1000);
        assert_eq!(stride.room(1000, Begun::Payload(200)), 800);
        read(&mut stride, 800);
        assert_eq!(stride.room(1000, Begun::Header(0)), 900);
        read(&mut stride, 900);
        assert_eq!(stride.room(1000, Begun::Header(2)), 298 + 600);
        read(&mut stride, 898);
        assert_eq!(stride.room(1000, Begun::Payload(900)), 900, "none fits behind what is missing");
        read(&mut stride, 900);
        assert_eq!(stride.room(1000, Begun::Payload(2000)), 1000, "nothing else may come");
        read(&mut stride, 1000);
        stride.end();
        assert_eq!(stride.room(1000, Begun::Header(0)), 900, "there was more than one read takes");
        read(&mut stride, 900);
        stride.end();
        assert_eq!(stride.room(1000, Begun::Header(0)), 1000);
    }

    #[test]
    fn nothing_is_known_before_the_first_message() {
        let mut stride = Stride::default();
        let room = stride.room(1000, Begun::Header(0));
        stride.read(room);
        assert_eq!(stride.room(1000, Begun::Header(3)), 1000);
    }
}
