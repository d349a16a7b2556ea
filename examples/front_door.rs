//! cargo run --example front_door -- 127.0.0.1:3000
// ANCHOR: program
use std::{env, io, net::SocketAddr, net::TcpListener};
use timtow::{Options, Page, Rejection, Request, Response, SetCookie, app::App, app::Echo};

/// An echo server with a front door: a page, a cookie on the way in, and a no for those without it.
struct Door;

impl App for Door {
    type Handler = Echo;

    fn request(&self, request: &Request, _: Option<SocketAddr>) -> Result<(Echo, Response), Rejection> {
        if request.path() != "/echo" {
            return Err(Rejection::text(404, "the echo lives at /echo\n"));
        }
        if !request.cookies().any(|cookie| cookie == ("pass", "1")) {
            return Err(Rejection::text(401, "come by the page at / first\n"));
        }
        Ok((Echo, Response::default().header("X-Served-By", "timtow")))
    }

    fn page(&self, request: &Request, _: Option<SocketAddr>) -> Option<Page> {
        let pass = SetCookie { http_only: true, ..SetCookie::new("pass", "1") };
        match request.path() {
            "/" => Page::html(PAGE).cookie(&pass).ok(),
            _ => None, // 426: this is a WebSocket
        }
    }
}

const PAGE: &str = "<!doctype html><title>echo</title><p id=answer><script>
    const socket = new WebSocket(`ws://${location.host}/echo`);
    socket.onopen = () => socket.send('come in');
    socket.onmessage = ({ data }) => { answer.textContent = data; };
</script>";

fn main() -> io::Result<()> {
    let listener = TcpListener::bind(env::args().nth(1).unwrap_or("127.0.0.1:3000".into()))?;
    println!("listening on ws://{}/", listener.local_addr()?);
    timtow::threads::serve(listener, Options::default(), Door)
}
// ANCHOR_END: program
