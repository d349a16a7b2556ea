//! Real sockets, with tungstenite at the other end.

use futures_util::{SinkExt, StreamExt};
use std::{
    future::poll_fn,
    io::Write,
    net::{SocketAddr, TcpStream},
    num::NonZeroUsize,
    pin::pin,
    rc::Rc,
    task::Poll,
    thread,
    time::Duration,
};
use timtow_tokio::{
    App, ClientRequest, Config, Connect, Context, Drain, Echo, Error, Handler, Io, Message, Options, OwnedMessage,
    Rejection, Request, Response, UrlError, WebSocket, accept, accept_with, bind_reuseport, connect, serve,
    serve_local, serve_reuseport,
};
use tokio::{
    io::BufStream,
    net::TcpListener,
    task::{LocalSet, spawn_blocking},
};
use tungstenite::{Message as Theirs, protocol::Role};

/// Nothing takes so long unless it hangs.
const WATCHDOG: Duration = Duration::from_secs(60);

type Client = tungstenite::WebSocket<TcpStream>;

fn stream(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(WATCHDOG)).unwrap();
    stream.set_write_timeout(Some(WATCHDOG)).unwrap();
    stream
}

fn client(address: SocketAddr) -> Client {
    tungstenite::client(format!("ws://{address}/"), stream(address)).unwrap().0
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(WATCHDOG, future).await.expect("the watchdog barks")
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn draining() -> (Options, Drain) {
    let drain = Drain::new();
    // Without a deadline, closing ends in time or never.
    let config = Config { close_timeout: None, ..Config::default() };
    (Options { config: config.into(), drain: drain.clone(), ..Options::default() }, drain)
}

/// Talks to an echo server, and sees it drain.
fn check(address: SocketAddr, drain: &Drain) {
    let mut clients: Vec<Client> = (0..8).map(|_| client(address)).collect();
    for message in [Theirs::text("κόσμε"), Theirs::binary(vec![7; 300_000])] {
        clients.iter_mut().for_each(|client| client.send(message.clone()).unwrap());
        clients.iter_mut().for_each(|client| assert_eq!(client.read().unwrap(), message));
    }
    drain.start();
    for mut client in clients {
        let Theirs::Close(Some(close)) = client.read().unwrap() else { panic!("no close frame") };
        assert_eq!(u16::from(close.code), 1001);
        assert!(matches!(client.read(), Err(tungstenite::Error::ConnectionClosed)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_multi_threaded_server_echoes_and_drains() {
    let ((listener, address), (options, drain)) = (listen().await, draining());
    let server = tokio::spawn(serve(listener, options, Echo));
    spawn_blocking(move || check(address, &drain)).await.unwrap();
    within(server).await.unwrap().unwrap();
    assert!(TcpStream::connect(address).is_err());
}

/// An echo that cannot be sent to another thread.
struct LocalEcho;

struct Local(Rc<()>);

impl App for LocalEcho {
    type Handler = Local;

    fn request(&self, _: &Request, peer: Option<SocketAddr>) -> Result<(Local, Response), Rejection> {
        assert!(peer.is_some());
        Ok((Local(Rc::new(())), Response::default()))
    }
}

impl Handler for Local {
    fn message(&mut self, context: &mut Context<'_>, message: Message<'_>) {
        assert_eq!(Rc::strong_count(&self.0), 1);
        context.send(message).unwrap();
    }
}

#[tokio::test]
async fn the_local_server_echoes_and_drains() {
    let ((listener, address), (options, drain)) = (listen().await, draining());
    let checked = spawn_blocking(move || check(address, &drain));
    within(LocalSet::new().run_until(serve_local(listener, options, LocalEcho))).await.unwrap();
    checked.await.unwrap();
}

#[test]
fn the_reuseport_server_echoes_and_drains() {
    let (options, drain) = draining();
    let listeners = bind_reuseport(([127, 0, 0, 1], 0).into(), NonZeroUsize::new(3).unwrap()).unwrap();
    let addresses: Vec<_> = listeners.iter().map(|listener| listener.local_addr().unwrap()).collect();
    assert!(addresses.len() == 3 && addresses.iter().all(|address| *address == addresses[0]));
    let server = thread::spawn(|| serve_reuseport(listeners, options, LocalEcho));
    check(addresses[0], &drain);
    server.join().unwrap().unwrap();
    assert!(TcpStream::connect(addresses[0]).is_err());
}

/// Says something by a timer, and from another thread.
struct Herald;

impl App for Herald {
    type Handler = Herald;

    fn request(&self, _: &Request, _: Option<SocketAddr>) -> Result<(Herald, Response), Rejection> {
        Ok((Herald, Response::default()))
    }
}

impl Handler for Herald {
    fn message(&mut self, context: &mut Context<'_>, _: Message<'_>) {
        context.set_timer(Duration::from_millis(1));
        let sender = context.sender();
        thread::spawn(move || sender.try_send("from a thread").unwrap());
    }

    fn timer(&mut self, context: &mut Context<'_>) {
        context.send("from the timer").unwrap();
    }
}

#[tokio::test]
async fn timers_and_senders_wake_the_loop() {
    let ((listener, address), (options, drain)) = (listen().await, draining());
    let server = tokio::spawn(serve(listener, options, Herald));
    spawn_blocking(move || {
        let mut client = client(address);
        client.send(Theirs::text("speak")).unwrap();
        let mut heard = [client.read().unwrap().to_string(), client.read().unwrap().to_string()];
        heard.sort();
        assert_eq!(heard, ["from a thread", "from the timer"]);
        drain.start();
    })
    .await
    .unwrap();
    within(server).await.unwrap().unwrap();
}

/// Polls a future once, and drops it.
async fn poll_once(future: impl Future) -> bool {
    let mut future = pin!(future);
    poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_ready())).await
}

#[tokio::test]
async fn what_is_cancelled_loses_nothing() {
    let (listener, address) = listen().await;
    let (go, gone) = std::sync::mpsc::channel();
    let client = spawn_blocking(move || {
        let mut stream = stream(address);
        let client = tungstenite::client(format!("ws://{address}/"), stream.try_clone().unwrap()).unwrap().0;
        drop(client);
        // A text of three bytes, masked with zeros, in two parts.
        stream.write_all(b"\x81\x83\0\0\0\0a").unwrap();
        gone.recv().unwrap();
        stream.write_all(b"bc").unwrap();
        gone.recv().unwrap();
        let mut client = Client::from_raw_socket(stream, Role::Client, None);
        let big = client.read().unwrap();
        (big.len(), client.read().unwrap(), client.close(None), client.read())
    });
    let options = Options::default();
    let mut socket = within(accept(listener.accept().await.unwrap().0, &options)).await.unwrap();
    within(socket.socket().stream.readable()).await.unwrap();
    assert!(!poll_once(socket.recv()).await);
    go.send(()).unwrap();
    assert_eq!(within(socket.recv()).await.unwrap(), Some("abc".into()));

    // More than the system's buffers take.
    let big = vec![1; 16 << 20];
    assert!(!poll_once(socket.send(big)).await);
    assert!(socket.unsent() > 0);
    go.send(()).unwrap();
    within(socket.send("end")).await.unwrap();
    assert_eq!(within(socket.recv()).await.unwrap(), None);
    let (len, end, ..) = client.await.unwrap();
    assert_eq!((len, end), (16 << 20, Theirs::text("end")));
}

/// Tungstenite's echo server, for one connection.
async fn echo_server() -> (String, tokio::task::JoinHandle<()>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://localhost:{}/", listener.local_addr().unwrap().port());
    let server = spawn_blocking(move || {
        let stream = listener.accept().unwrap().0;
        stream.set_read_timeout(Some(WATCHDOG)).unwrap();
        let mut socket = tungstenite::accept(stream).unwrap();
        while let Ok(message) = socket.read() {
            if !message.is_close() {
                socket.send(message).unwrap();
            }
        }
    });
    (url, server)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_halves_work_in_two_tasks() {
    let (url, server) = echo_server().await;
    let (mut receiver, mut sender) = within(connect(&url, &Options::default())).await.unwrap().split();
    let sending = tokio::spawn(async move {
        for n in 0..1000 {
            sender.send(format!("{n}")).await.unwrap();
        }
        sender
    });
    for n in 0..1000 {
        assert_eq!(within(receiver.recv()).await.unwrap(), Some(format!("{n}").into()));
    }
    sending.await.unwrap().close(1000, "").await.unwrap();
    assert_eq!(within(receiver.recv()).await.unwrap(), None);
    within(server).await.unwrap();
}

#[tokio::test]
async fn it_is_a_stream_and_a_sink() {
    let (url, server) = echo_server().await;
    let mut socket = within(connect(&url, &Options::default())).await.unwrap();
    for text in ["a", "b"] {
        SinkExt::feed(&mut socket, OwnedMessage::from(text)).await.unwrap();
    }
    SinkExt::flush(&mut socket).await.unwrap();
    for text in ["a", "b"] {
        assert_eq!(within(socket.next()).await.unwrap().unwrap(), text.into());
    }
    within(SinkExt::close(&mut socket)).await.unwrap();
    assert!(within(socket.next()).await.is_none());
    within(server).await.unwrap();
}

#[tokio::test]
async fn any_stream_will_do_and_what_it_keeps_is_flushed() {
    let (ours, theirs) = tokio::io::duplex(64);
    let options = Options::default();
    let request = ClientRequest { host: "example.com".into(), ..ClientRequest::default() };
    let connection = timtow_core::Connection::client(request, options.config.clone()).unwrap();
    let (server, client) = within(async {
        tokio::join!(
            WebSocket::accept(Io::new(BufStream::new(ours)), &options),
            WebSocket::connect(Io::new(BufStream::new(theirs)), connection, &options)
        )
    })
    .await;
    let (mut server, (mut client, _)) = (server.unwrap(), client.unwrap());
    client.send("hello").await.unwrap();
    assert_eq!(within(server.recv()).await.unwrap(), Some("hello".into()));
}

#[tokio::test]
async fn connecting_may_move_between_threads_also_behind_a_redirect() {
    let (listener, address) = listen().await;
    let connecting = tokio::spawn(async move {
        let to = Connect::to(&format!("ws://{address}/"))?.redirects(1);
        connect(to, &Options::default()).await
    });
    let moved = |_: &Request| Err(Rejection::new(307).header("Location", "/b"));
    let (stream, _) = within(listener.accept()).await.unwrap();
    assert!(within(accept_with(stream, &Options::default(), moved)).await.is_err());
    let (stream, _) = within(listener.accept()).await.unwrap();
    let mut server = within(accept(stream, &Options::default())).await.unwrap();
    let mut client = within(connecting).await.unwrap().unwrap();
    client.send("hello").await.unwrap();
    assert_eq!(within(server.recv()).await.unwrap(), Some("hello".into()));
}

#[tokio::test]
async fn refusals_are_reported() {
    let options = Options::default();
    let error = connect("wss://localhost/", &options).await.unwrap_err();
    assert!(matches!(error, Error::Url(UrlError::Secure)), "{error}");

    let (listener, address) = listen().await;
    let url = format!("ws://{address}/");
    let (refused, refusal) = within(async {
        tokio::join!(connect(&url, &options), async {
            let (stream, _) = listener.accept().await.unwrap();
            accept_with(stream, &options, |_| Err(Rejection::new(403))).await
        })
    })
    .await;
    let Error::Closed(refused) = refused.unwrap_err() else { panic!("the client does not know why") };
    assert!(refused.to_string().contains("403"), "{refused}");
    assert!(matches!(refusal.unwrap_err(), Error::Closed(_)));
}
