//! DEFLATE (RFC 1951) read bit by bit, as the RFC tells it: slow, and obviously right. What the core compresses is read with
//! it, and what it inflates is compared with it.

/// What one side has said, message after message.
#[derive(Default, Debug)]
pub struct Naive {
    /// All that ever came out.
    pub said: Vec<u8>,
    /// The furthest that anything looked back.
    pub furthest: usize,
}

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Where the payload ends and the tail begins.
    payload: usize,
}

/// The numbers of codes of each length, and the symbols in the order of their codes.
struct Huffman {
    counts: [u16; 16],
    symbols: Vec<u16>,
}

impl Naive {
    /// A payload that was compressed (RFC 7692 7.2.2), or why it is none.
    pub fn message(&mut self, payload: &[u8]) -> Result<Vec<u8>, &'static str> {
        let from = self.said.len();
        let bytes = [payload, &[0, 0, 0xff, 0xff]].concat();
        let mut bits = Bits { bytes: &bytes, at: 0, payload: 8 * payload.len() };
        let mut last = false;
        // What was compressed ends at the tail's end, or with a final block; no payload at all is an empty message.
        while bits.at < 8 * bytes.len() && !(bits.at == 8 * payload.len() && (last || payload.is_empty())) {
            last = self.block(&mut bits)?;
        }
        Ok(self.said[from..].to_vec())
    }

    /// Whether it was the last.
    fn block(&mut self, bits: &mut Bits<'_>) -> Result<bool, &'static str> {
        let last = bits.take(1)? == 1;
        match bits.take(2)? {
            0 => {
                bits.align();
                let (len, check) = (bits.take(16)?, bits.take(16)?);
                if len != !check & 0xffff {
                    return Err("LEN is not NLEN");
                }
                for _ in 0..len {
                    let byte = bits.take(8)? as u8;
                    self.push(byte, bits)?;
                }
            }
            1 => {
                let lengths: Vec<u8> = (0..288)
                    .map(|n| [8, 9, 7, 8][usize::from(n > 143) + usize::from(n > 255) + usize::from(n > 279)])
                    .collect();
                self.symbols(bits, &Huffman::new(&lengths, false)?, &Huffman::new(&[5; 32], false)?)?;
            }
            2 => {
                let (literals, distances) = dynamic(bits)?;
                self.symbols(bits, &literals, &distances)?;
            }
            _ => return Err("block type 3"),
        }
        if last {
            bits.align();
        }
        Ok(last)
    }

    fn push(&mut self, byte: u8, bits: &Bits<'_>) -> Result<(), &'static str> {
        self.said.push(byte);
        // The tail is an empty block: nothing that is in it is said.
        if bits.at <= bits.payload { Ok(()) } else { Err("it ends too soon") }
    }

    fn symbols(&mut self, bits: &mut Bits<'_>, literals: &Huffman, distances: &Huffman) -> Result<(), &'static str> {
        loop {
            match literals.read(bits)? {
                literal @ 0..=255 => self.push(literal as u8, bits)?,
                256 => return Ok(()),
                symbol => {
                    let (base, extra) = *LENGTHS.get(usize::from(symbol) - 257).ok_or("no such length")?;
                    let length = base + bits.take(extra)?;
                    let (base, extra) = *DISTANCES.get(usize::from(distances.read(bits)?)).ok_or("no such distance")?;
                    let distance = base + bits.take(extra)?;
                    self.furthest = self.furthest.max(distance);
                    for _ in 0..length {
                        let at = self.said.len().checked_sub(distance).ok_or("it looks back too far")?;
                        self.push(self.said[at], bits)?;
                    }
                }
            }
        }
    }
}

fn dynamic(bits: &mut Bits<'_>) -> Result<(Huffman, Huffman), &'static str> {
    let (literals, distances, codes) = (bits.take(5)? + 257, bits.take(5)? + 1, bits.take(4)? + 4);
    let mut lengths = [0; 19];
    if literals > 286 || distances > 30 {
        return Err("too many codes");
    }
    for symbol in &[16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15][..codes] {
        lengths[*symbol] = bits.take(3)? as u8;
    }
    let code = Huffman::new(&lengths, false)?;
    let mut lengths = Vec::new();
    while lengths.len() < literals + distances {
        let (value, times) = match code.read(bits)? {
            16 => (*lengths.last().ok_or("nothing to repeat")?, 3 + bits.take(2)?),
            17 => (0, 3 + bits.take(3)?),
            18 => (0, 11 + bits.take(7)?),
            length => (length as u8, 1),
        };
        lengths.extend(std::iter::repeat_n(value, times));
    }
    if lengths.len() != literals + distances {
        return Err("too many lengths");
    }
    if lengths[256] == 0 {
        return Err("a block without an end");
    }
    Ok((Huffman::new(&lengths[..literals], true)?, Huffman::new(&lengths[literals..], true)?))
}

impl Huffman {
    /// RFC 1951 3.2.7 and 3.2.2: a single code may stand `alone`; otherwise all codes are used, and none twice.
    fn new(lengths: &[u8], alone: bool) -> Result<Huffman, &'static str> {
        let used: usize = lengths.iter().filter(|length| **length > 0).map(|length| 1 << (15 - length)).sum();
        let longest = lengths.iter().max().copied().unwrap_or(0);
        if used > 1 << 15 || (used < 1 << 15 && !(longest == 0 || (alone && longest == 1))) {
            return Err("too many codes, or too few");
        }
        let mut counts = [0; 16];
        let mut symbols: Vec<u16> = (0..lengths.len() as u16).filter(|n| lengths[usize::from(*n)] > 0).collect();
        symbols.sort_by_key(|n| lengths[usize::from(*n)]);
        lengths.iter().filter(|length| **length > 0).for_each(|length| counts[usize::from(*length)] += 1);
        Ok(Huffman { counts, symbols })
    }

    fn read(&self, bits: &mut Bits<'_>) -> Result<u16, &'static str> {
        let (mut code, mut first, mut index) = (0, 0, 0);
        for count in &self.counts[1..] {
            let count = usize::from(*count);
            code |= bits.take(1)?;
            if code < first + count {
                return Ok(self.symbols[index + code - first]);
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        Err("no such code")
    }
}

impl Bits<'_> {
    /// The next `n` bits, the lowest first.
    fn take(&mut self, n: usize) -> Result<usize, &'static str> {
        let mut value = 0;
        for bit in 0..n {
            let byte = self.bytes.get(self.at / 8).ok_or("it ends too soon")?;
            value |= usize::from(byte >> (self.at % 8) & 1) << bit;
            self.at += 1;
        }
        Ok(value)
    }

    fn align(&mut self) {
        self.at = self.at.next_multiple_of(8);
    }
}

/// RFC 1951 3.2.5: the base, and how many bits are added to it.
#[rustfmt::skip]
const LENGTHS: [(usize, usize); 29] = [
    (3, 0), (4, 0), (5, 0), (6, 0), (7, 0), (8, 0), (9, 0), (10, 0), (11, 1), (13, 1), (15, 1), (17, 1), (19, 2), (23, 2),
    (27, 2), (31, 2), (35, 3), (43, 3), (51, 3), (59, 3), (67, 4), (83, 4), (99, 4), (115, 4), (131, 5), (163, 5), (195, 5),
    (227, 5), (258, 0),
];
#[rustfmt::skip]
const DISTANCES: [(usize, usize); 30] = [
    (1, 0), (2, 0), (3, 0), (4, 0), (5, 1), (7, 1), (9, 2), (13, 2), (17, 3), (25, 3), (33, 4), (49, 4), (65, 5), (97, 5),
    (129, 6), (193, 6), (257, 7), (385, 7), (513, 8), (769, 8), (1025, 9), (1537, 9), (2049, 10), (3073, 10), (4097, 11),
    (6145, 11), (8193, 12), (12289, 12), (16385, 13), (24577, 13),
];
