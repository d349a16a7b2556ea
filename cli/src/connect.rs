//! `timtow connect`: a command-line client. Lines of stdin become text messages, text messages become lines of stdout.

mod mio;

use std::{
    future::{Future as _, poll_fn},
    io::{self, BufRead as _, Write as _},
    net::TcpStream,
    pin::pin,
    task::Poll,
    thread,
};

use smol::channel::{Receiver, bounded};
use timtow::{
    CloseCode, Closed, Config, Deflate, Error, Options, OwnedMessage,
    core::{Cause, ClientRequest, Connect, HandshakeError, Target, task},
};

use crate::{
    args::ConnectArguments,
    failure::{Failure, Result},
    runtimes::Runtime,
};

/// Lines that are read ahead of the connection.
const LINES: usize = 16;
/// Bytes of a body that are shown.
const SHOWN: usize = 500;

/// `timtow connect`.
pub(crate) fn run(arguments: &ConnectArguments) -> Result<()> {
    let url = &arguments.url;
    let mut connect = Connect::to(url)
        .map_err(|error| Failure::usage(format!("{url} is no URL to connect to: {error}")))?
        .redirects(arguments.redirects);
    if connect.target.secure {
        return Err(Failure::usage("this build has no TLS: connect to a ws:// URL, or put a TLS proxy in between"));
    }
    connect.request.draft = Some(arguments.draft.into());
    for header in &arguments.headers {
        connect.request.headers.push(field(header)?);
    }
    let config = Config { deflate: arguments.deflate.then(Deflate::default), ..Config::default() };
    let options = Options { config: config.into(), ..Options::default() };
    loop {
        match exchange(arguments.runtime, connect.request.clone(), open(&connect.target)?, &options) {
            Ok(closed) if closed.is_clean() => {
                eprintln!("timtow: {}", printable(&closed.to_string()));
                return Ok(());
            }
            Ok(closed) | Err(Error::Closed(closed)) => connect = redirect(&connect, closed)?,
            Err(error) => return Err(Failure::new(format!("the connection failed: {error}"))),
        }
    }
}

fn open(target: &Target) -> Result<TcpStream> {
    TcpStream::connect((target.host.as_str(), target.port)).map_err(|error| {
        Failure::new(format!(
            "cannot connect to {}:{} ({error}): check that a server listens there",
            target.host, target.port
        ))
    })
}

/// Where the server sends us, if that is why the connection has ended and we may go there.
fn redirect(connect: &Connect, closed: Closed) -> Result<Connect> {
    let error = match closed.cause {
        Cause::Failed(error) => error,
        _ => return Err(Failure::new(printable(&closed.to_string()))),
    };
    let next = connect.redirect(*error).map_err(|error| failed(&error))?;
    let Target { host, port, secure } = &next.target;
    if *secure {
        return Err(Failure::new(format!(
            "the server redirects to wss://{host}:{port}, and this build has no TLS: put a TLS proxy in between"
        )));
    }
    eprintln!("timtow: redirected to ws://{}{}", next.request.host, next.request.target);
    Ok(next)
}

/// The status, and what the server says about it.
fn failed(error: &HandshakeError) -> Failure {
    let body = String::from_utf8_lossy(&error.body);
    let (body, rest) = body.trim().split_at(body.trim().floor_char_boundary(SHOWN));
    Failure::new(match (body, rest) {
        ("", _) => error.to_string(),
        (body, "") => format!("{error}; the server says: {}", printable(body)),
        (body, _) => format!("{error}; the server says: {}…", printable(body)),
    })
}

/// The text of another in one line, and without what would steer the terminal.
fn printable(text: &str) -> String {
    let escape = |letter: char| match letter {
        '"' | '\'' => String::from(letter),
        letter => letter.escape_debug().collect(),
    };
    text.chars().map(escape).collect()
}

/// `Name: value`.
fn field(header: &str) -> Result<(String, String)> {
    let (name, value) = header
        .split_once(':')
        .ok_or_else(|| Failure::usage(format!("--header {header:?} has no colon: write it as 'Name: value'")))?;
    Ok((name.trim().into(), value.trim().into()))
}

fn exchange(
    runtime: Runtime,
    request: ClientRequest,
    stream: TcpStream,
    options: &Options,
) -> std::result::Result<Closed, Error> {
    match runtime {
        Runtime::Threads => on_threads(request, stream, options),
        Runtime::Mio => mio::exchange(request, stream, options),
        Runtime::Tokio => {
            on_tokio(tokio::runtime::Builder::new_multi_thread().worker_threads(1), request, stream, options)
        }
        Runtime::TokioCurrent | Runtime::TokioReuseport => {
            on_tokio(&mut tokio::runtime::Builder::new_current_thread(), request, stream, options)
        }
        Runtime::Smol => smol::block_on(async {
            let stream = smol::Async::<TcpStream>::try_from(stream)?.into();
            let (socket, _) = timtow::smol::connect_with(request, stream, options).await?;
            talk(socket, lines()).await
        }),
        Runtime::AsyncStd => async_std::task::block_on(async {
            let (socket, _) = timtow::async_std::connect_with(request, stream.into(), options).await?;
            talk(socket, lines()).await
        }),
    }
}

fn on_threads(request: ClientRequest, stream: TcpStream, options: &Options) -> std::result::Result<Closed, Error> {
    let (socket, _) = timtow::threads::connect_with(request, stream, options)?;
    let (mut receiver, mut sender) = socket.split();
    thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(std::result::Result::ok) {
            if sender.send(line).is_err() {
                // The other half says why.
                return;
            }
        }
        let _ = sender.close(CloseCode::NORMAL, "");
    });
    while let Some(message) = receiver.recv()? {
        print(&message)?;
    }
    receiver.closed().ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof).into())
}

fn on_tokio(
    builder: &mut tokio::runtime::Builder,
    request: ClientRequest,
    stream: TcpStream,
    options: &Options,
) -> std::result::Result<Closed, Error> {
    stream.set_nonblocking(true)?;
    builder.enable_all().build()?.block_on(async {
        let stream = tokio::net::TcpStream::from_std(stream)?;
        let (socket, _) = timtow::tokio::connect_with(request, stream, options).await?;
        talk(socket, lines()).await
    })
}

/// The exchange on any async loop: whatever comes first, a message or a line.
async fn talk<S: task::Socket>(
    socket: task::WebSocket<S>,
    lines: Receiver<String>,
) -> std::result::Result<Closed, Error> {
    enum Next {
        Message(Option<OwnedMessage>),
        Line(Option<String>),
    }
    let (mut receiver, mut sender) = socket.split();
    let mut reading = true;
    loop {
        let next = {
            let (mut message, mut line) = (pin!(receiver.recv()), pin!(lines.recv()));
            poll_fn(|context| {
                if let Poll::Ready(message) = message.as_mut().poll(context) {
                    return Poll::Ready(message.map(Next::Message));
                }
                if reading && let Poll::Ready(line) = line.as_mut().poll(context) {
                    return Poll::Ready(Ok(Next::Line(line.ok())));
                }
                Poll::Pending
            })
            .await?
        };
        match next {
            Next::Message(Some(message)) => print(&message)?,
            Next::Message(None) => break,
            // A line that cannot be sent any more: what the connection ended with comes next.
            Next::Line(Some(line)) => reading = sender.send(line).await.is_ok(),
            Next::Line(None) => {
                reading = false;
                let _ = sender.close(CloseCode::NORMAL, "").await;
            }
        }
    }
    receiver.closed().ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof).into())
}

/// The lines of stdin, as they come.
fn lines() -> Receiver<String> {
    let (sender, receiver) = bounded(LINES);
    thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(std::result::Result::ok) {
            if sender.send_blocking(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// A text message is a line of stdout; of a binary one, stderr says that it came.
fn print(message: &OwnedMessage) -> io::Result<()> {
    match message {
        OwnedMessage::Text(text) => {
            let mut stdout = io::stdout().lock();
            writeln!(stdout, "{text}")?;
            stdout.flush()
        }
        OwnedMessage::Binary(bytes) => {
            eprintln!("timtow: a binary message of {} bytes came", bytes.len());
            Ok(())
        }
    }
}
