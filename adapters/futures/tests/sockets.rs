//! Any executor, over real sockets, with tungstenite at the other end; and a stream that is no socket at all.

use async_io::Async;
use futures::{
    SinkExt, StreamExt,
    executor::{LocalPool, ThreadPool, block_on},
    future::{Either, join, select},
    io::{BufWriter, Cursor},
    poll,
    task::LocalSpawnExt,
};
use std::{
    future::Future,
    net::{SocketAddr, TcpListener, TcpStream},
    pin::pin,
    rc::Rc,
    thread,
    time::{Duration, Instant},
};
use timtow_futures::{
    App, ClientRequest, Config, Context, Delay, Drain, Error, Handler, Io, Message, Options, OwnedMessage, Rejection,
    Request, Response, Serve, Timer, UrlError, accept, connect, connect_with, serve,
};
use tungstenite::Message as Theirs;

/// Nothing takes so long unless it hangs.
const WATCHDOG: Duration = Duration::from_secs(60);

fn client(address: SocketAddr) -> tungstenite::WebSocket<TcpStream> {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(WATCHDOG)).unwrap();
    stream.set_write_timeout(Some(WATCHDOG)).unwrap();
    tungstenite::client(format!("ws://{address}/"), stream).unwrap().0
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    let mut delay = Delay::new(Instant::now() + WATCHDOG);
    let bark = pin!(std::future::poll_fn(move |context| delay.poll(context)));
    match select(pin!(future), bark).await {
        Either::Left((value, _)) => value,
        Either::Right(_) => panic!("the watchdog barks"),
    }
}

fn listen() -> (Async<TcpListener>, SocketAddr) {
    let listener = Async::<TcpListener>::bind(([127, 0, 0, 1], 0)).unwrap();
    let address = listener.get_ref().local_addr().unwrap();
    (listener, address)
}

fn draining() -> (Options, Drain) {
    let drain = Drain::new();
    // Without a deadline, closing ends in time or never.
    let config = Config { close_timeout: None, ..Config::default() };
    (Options { config: config.into(), drain: drain.clone(), ..Options::default() }, drain)
}

/// Echoes; says something by a timer and from another thread where it is asked to. Cannot be sent to another thread.
struct Herald(Rc<()>);

struct Heralds;

impl App for Heralds {
    type Handler = Herald;

    fn request(&self, _: &Request, _: Option<SocketAddr>) -> Result<(Herald, Response), Rejection> {
        Ok((Herald(Rc::new(())), Response::default()))
    }
}

impl Handler for Herald {
    fn message(&mut self, context: &mut Context<'_>, message: Message<'_>) {
        assert_eq!(Rc::strong_count(&self.0), 1);
        if message.as_bytes() == b"speak" {
            context.set_timer(Duration::from_millis(1));
            let sender = context.sender();
            thread::spawn(move || sender.try_send("from a thread").unwrap());
        } else {
            context.send(message).unwrap();
        }
    }

    fn timer(&mut self, context: &mut Context<'_>) {
        context.send("from the timer").unwrap();
    }
}

/// Talks to a server, and sees it drain.
fn check(address: SocketAddr, drain: &Drain, heralds: bool) {
    let mut clients: Vec<_> = (0..8).map(|_| client(address)).collect();
    for message in [Theirs::text("κόσμε"), Theirs::binary(vec![7; 300_000])] {
        clients.iter_mut().for_each(|client| client.send(message.clone()).unwrap());
        clients.iter_mut().for_each(|client| assert_eq!(client.read().unwrap(), message));
    }
    if heralds {
        clients[0].send(Theirs::text("speak")).unwrap();
        let mut heard = [clients[0].read().unwrap().to_string(), clients[0].read().unwrap().to_string()];
        heard.sort();
        assert_eq!(heard, ["from a thread", "from the timer"]);
    }
    drain.start();
    for mut client in clients {
        let Theirs::Close(Some(close)) = client.read().unwrap() else { panic!("no close frame") };
        assert_eq!(u16::from(close.code), 1001);
        assert!(matches!(client.read(), Err(tungstenite::Error::ConnectionClosed)));
    }
}

#[test]
fn a_pool_of_threads_serves_and_drains() {
    let ((listener, address), (options, drain)) = (listen(), draining());
    let checked = thread::spawn(move || check(address, &drain, false));
    // Its end is not the server's: what was accepted goes on, and the drain is waited for.
    let incoming = listener.incoming().take(8).map(|stream| stream.map(Io::from));
    let pool = ThreadPool::new().unwrap();
    let spawn = |connection: Serve<_, _>| pool.spawn_ok(connection);
    block_on(within(serve(incoming, spawn, options, timtow_futures::Echo))).unwrap();
    checked.join().unwrap();
}

#[test]
fn one_thread_serves_and_drains() {
    let ((listener, address), (options, drain)) = (listen(), draining());
    let checked = thread::spawn(move || check(address, &drain, true));
    let incoming = listener.incoming().map(|stream| stream.map(Io::from));
    let mut pool = LocalPool::new();
    let spawner = pool.spawner();
    let spawn = |connection: Serve<_, _>| spawner.spawn_local(connection).unwrap();
    pool.run_until(within(serve(incoming, spawn, options, Heralds))).unwrap();
    checked.join().unwrap();
}

#[test]
fn what_is_cancelled_loses_nothing() {
    let (listener, address) = listen();
    let (go, gone) = std::sync::mpsc::channel();
    let client = thread::spawn(move || {
        let mut client = client(address);
        gone.recv().unwrap();
        client.send(Theirs::text("abc")).unwrap();
        gone.recv().unwrap();
        let big = client.read().unwrap();
        (big.len(), client.read().unwrap(), client.close(None), client.read())
    });
    block_on(within(async {
        let mut socket = accept(listener.accept().await.unwrap().0, &Options::default()).await.unwrap();
        assert!(poll!(pin!(socket.recv())).is_pending());
        go.send(()).unwrap();
        assert_eq!(socket.recv().await.unwrap(), Some("abc".into()));

        // More than the system's buffers take.
        assert!(poll!(pin!(socket.send(vec![1; 16 << 20]))).is_pending());
        assert!(socket.unsent() > 0);
        go.send(()).unwrap();
        socket.send("end").await.unwrap();
        assert_eq!(socket.recv().await.unwrap(), None);
    }));
    let (len, end, ..) = client.join().unwrap();
    assert_eq!((len, end), (16 << 20, Theirs::text("end")));
}

#[test]
fn the_client_is_a_stream_and_a_sink_in_halves_or_whole() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        for _ in 0..2 {
            let mut socket = tungstenite::accept(listener.accept().unwrap().0).unwrap();
            while let Ok(message) = socket.read() {
                if !message.is_close() {
                    socket.send(message).unwrap();
                }
            }
        }
    });
    let (url, options) = (format!("ws://{address}/"), Options::default());
    let stream = || Async::<TcpStream>::connect(address);
    block_on(within(async {
        let socket = connect(&url, stream().await.unwrap(), &options).await.unwrap();
        let (mut receiver, mut sender) = socket.split();
        let sending = async {
            for n in 0..1000 {
                SinkExt::send(&mut sender, OwnedMessage::from(format!("{n}"))).await.unwrap();
            }
            SinkExt::close(&mut sender).await.unwrap();
        };
        let receiving = async {
            for n in 0..1000 {
                assert_eq!(receiver.next().await.unwrap().unwrap(), format!("{n}").into());
            }
            assert!(receiver.next().await.is_none());
        };
        join(sending, receiving).await;

        let mut socket = connect(&url, stream().await.unwrap(), &options).await.unwrap();
        SinkExt::send(&mut socket, "a".into()).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), "a".into());
        SinkExt::close(&mut socket).await.unwrap();
        assert!(socket.next().await.is_none());

        let error = connect("wss://localhost/", Cursor::new(vec![]), &options).await.unwrap_err();
        assert!(matches!(error, Error::Url(UrlError::Secure)), "{error}");
    }));
    server.join().unwrap();
}

#[test]
fn what_a_stream_keeps_is_flushed() {
    let (listener, address) = listen();
    let options = Options::default();
    let request = ClientRequest { host: "example.com".into(), ..ClientRequest::default() };
    block_on(within(async {
        let (server, client) = join(async { accept(listener.accept().await.unwrap().0, &options).await }, async {
            let stream = BufWriter::new(Async::<TcpStream>::connect(address).await.unwrap());
            connect_with(request, stream, &options).await
        })
        .await;
        let (mut server, (mut client, _)) = (server.unwrap(), client.unwrap());
        client.send("hello").await.unwrap();
        assert_eq!(server.recv().await.unwrap(), Some("hello".into()));
    }));
}
