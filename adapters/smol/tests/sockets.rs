//! Real sockets, with tungstenite at the other end.

use smol::{
    LocalExecutor, Timer,
    future::{FutureExt, poll_once},
    net::TcpListener,
    stream::StreamExt,
    unblock,
};
use std::{
    net::{SocketAddr, TcpStream},
    rc::Rc,
    thread,
    time::Duration,
};
use timtow_smol::{
    App, Config, Context, Drain, Error, Handler, Message, Options, Rejection, Request, Response, Serve, UrlError,
    accept, connect, serve, serve_on,
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

fn run<T>(future: impl Future<Output = T>) -> T {
    smol::block_on(future.or(async {
        Timer::after(WATCHDOG).await;
        panic!("the watchdog barks")
    }))
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Echoes; says something by a timer and from another thread where it is asked to.
struct Herald;

impl App for Herald {
    type Handler = Herald;

    fn request(&self, _: &Request, peer: Option<SocketAddr>) -> Result<(Herald, Response), Rejection> {
        assert!(peer.is_some());
        Ok((Herald, Response::default()))
    }
}

impl Handler for Herald {
    fn message(&mut self, context: &mut Context<'_>, message: Message<'_>) {
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

/// A handler that cannot be sent to another thread.
struct Local(Rc<Herald>);

struct LocalApp;

impl App for LocalApp {
    type Handler = Local;

    fn request(&self, _: &Request, _: Option<SocketAddr>) -> Result<(Local, Response), Rejection> {
        Ok((Local(Rc::new(Herald)), Response::default()))
    }
}

impl Handler for Local {
    fn message(&mut self, context: &mut Context<'_>, message: Message<'_>) {
        Rc::get_mut(&mut self.0).unwrap().message(context, message);
    }

    fn timer(&mut self, context: &mut Context<'_>) {
        Rc::get_mut(&mut self.0).unwrap().timer(context);
    }
}

fn draining() -> (Options, Drain) {
    let drain = Drain::new();
    // Without a deadline, closing ends in time or never.
    let config = Config { close_timeout: None, ..Config::default() };
    (Options { config: config.into(), drain: drain.clone(), ..Options::default() }, drain)
}

/// Talks to a server of heralds, and sees it drain.
fn check(address: SocketAddr, drain: &Drain) {
    let mut clients: Vec<_> = (0..8).map(|_| client(address)).collect();
    for message in [Theirs::text("κόσμε"), Theirs::binary(vec![7; 300_000])] {
        clients.iter_mut().for_each(|client| client.send(message.clone()).unwrap());
        clients.iter_mut().for_each(|client| assert_eq!(client.read().unwrap(), message));
    }
    clients[0].send(Theirs::text("speak")).unwrap();
    let mut heard = [clients[0].read().unwrap().to_string(), clients[0].read().unwrap().to_string()];
    heard.sort();
    assert_eq!(heard, ["from a thread", "from the timer"]);
    drain.start();
    for mut client in clients {
        let Theirs::Close(Some(close)) = client.read().unwrap() else { panic!("no close frame") };
        assert_eq!(u16::from(close.code), 1001);
        assert!(matches!(client.read(), Err(tungstenite::Error::ConnectionClosed)));
    }
}

#[test]
fn the_server_serves_and_drains() {
    run(async {
        let ((listener, address), (options, drain)) = (listen().await, draining());
        let checked = unblock(move || check(address, &drain));
        serve(listener, options, Herald).await.unwrap();
        checked.await;
        assert!(TcpStream::connect(address).is_err());
    });
}

#[test]
fn a_local_executor_serves_and_drains() {
    let executor = LocalExecutor::new();
    run(executor.run(async {
        let ((listener, address), (options, drain)) = (listen().await, draining());
        let checked = unblock(move || check(address, &drain));
        let spawn = |connection: Serve<_>| executor.spawn(connection).detach();
        serve_on(spawn, listener, options, LocalApp).await.unwrap();
        checked.await;
    }));
}

#[test]
fn what_is_cancelled_loses_nothing() {
    run(async {
        let (listener, address) = listen().await;
        let (go, gone) = std::sync::mpsc::channel();
        let client = unblock(move || {
            let mut client = client(address);
            gone.recv().unwrap();
            client.send(Theirs::text("abc")).unwrap();
            gone.recv().unwrap();
            let big = client.read().unwrap();
            (big.len(), client.read().unwrap(), client.close(None), client.read())
        });
        let mut socket = accept(listener.accept().await.unwrap().0, &Options::default()).await.unwrap();
        assert!(poll_once(socket.recv()).await.is_none());
        go.send(()).unwrap();
        assert_eq!(socket.recv().await.unwrap(), Some("abc".into()));

        // More than the system's buffers take.
        assert!(poll_once(socket.send(vec![1; 16 << 20])).await.is_none());
        assert!(socket.unsent() > 0);
        go.send(()).unwrap();
        socket.send("end").await.unwrap();
        assert_eq!(socket.recv().await.unwrap(), None);
        let (len, end, ..) = client.await;
        assert_eq!((len, end), (16 << 20, Theirs::text("end")));
    });
}

#[test]
fn the_client_splits_into_halves_for_two_tasks() {
    run(async {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("ws://localhost:{}/", listener.local_addr().unwrap().port());
        let server = unblock(move || {
            let mut socket = tungstenite::accept(listener.accept().unwrap().0).unwrap();
            while let Ok(message) = socket.read() {
                if !message.is_close() {
                    socket.send(message).unwrap();
                }
            }
        });
        let (mut receiver, mut sender) = connect(&url, &Options::default()).await.unwrap().split();
        let sending = smol::spawn(async move {
            for n in 0..1000 {
                sender.send(format!("{n}")).await.unwrap();
            }
            sender.close(1000, "").await.unwrap();
        });
        for n in 0..1000 {
            assert_eq!(receiver.next().await.unwrap().unwrap(), format!("{n}").into());
        }
        assert!(receiver.next().await.is_none());
        sending.await;
        server.await;

        let error = connect("wss://localhost/", &Options::default()).await.unwrap_err();
        assert!(matches!(error, Error::Url(UrlError::Secure)), "{error}");
    });
}
