//! What the endpoint under test is told by a message.

/// What the endpoint does on a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order<'m> {
    /// `close CODE REASON`: it closes the connection.
    Close(u16, &'m str),
    /// `ping PAYLOAD`: it sends a ping, or says in a message why it cannot.
    Ping(&'m [u8]),
    /// It sends back whatever is neither.
    Echo,
}

impl<'m> Order<'m> {
    /// What this message asks for.
    pub fn of(message: &'m [u8]) -> Self {
        close(message).or_else(|| message.strip_prefix(b"ping ").map(Order::Ping)).unwrap_or(Order::Echo)
    }
}

fn close(message: &[u8]) -> Option<Order<'_>> {
    let order = str::from_utf8(message).ok()?.strip_prefix("close ")?;
    let (code, reason) = order.split_once(' ')?;
    Some(Order::Close(code.parse().ok()?, reason))
}
