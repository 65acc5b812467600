//! A static file server for this machine, with the headers that let a page use threads.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::thread;

use anyhow::{anyhow, Context, Result};
use tiny_http::{Header, Method, Request, Response, Server};

/// Requests answered at the same time: more than a browser opens to one host.
const THREADS: usize = 8;
/// Ports tried after the one asked for.
const TRIES: u16 = 100;

/// A running server. It answers until the program ends.
pub struct Site {
    /// Where it is, with a slash at the end.
    pub address: String,
    workers: Vec<thread::JoinHandle<()>>,
}

impl Site {
    /// Serves the files under `root` on `port` or the next free one; 0 takes any.
    ///
    /// # Errors
    /// Where no port is free.
    pub fn start(root: &Path, port: u16) -> Result<Site> {
        let listener = listen(port)?;
        let address = format!("http://{}/", listener.local_addr()?);
        let server = Server::from_listener(listener, None).map_err(|error| anyhow!("cannot serve: {error}"))?;
        let server = Arc::new(server);
        let workers = (0..THREADS)
            .map(|_| {
                let (server, root) = (server.clone(), root.to_owned());
                thread::spawn(move || server.incoming_requests().for_each(|request| answer(request, &root)))
            })
            .collect();
        Ok(Site { address, workers })
    }

    /// Serves until the program is ended.
    pub fn wait(self) {
        for worker in self.workers {
            // A worker that panicked has printed why; the others serve on.
            let _ = worker.join();
        }
    }
}

fn listen(port: u16) -> Result<TcpListener> {
    let last = if port == 0 { 0 } else { port.saturating_add(TRIES) };
    (port..=last)
        .find_map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok())
        .with_context(|| format!("no free port from {port} to {last}"))
}

fn answer(request: Request, root: &Path) {
    let file = match request.method() {
        Method::Get | Method::Head => locate(root, request.url()),
        _ => None,
    };
    let opened = file.and_then(|path| File::open(&path).ok().map(|file| (path, file)));
    // A browser that has gone away is no failure of the server.
    let _ = match opened {
        Some((path, file)) => {
            let mut response = Response::from_file(file);
            for header in headers(&path) {
                response.add_header(header);
            }
            request.respond(response)
        }
        None => request.respond(Response::from_string("not found").with_status_code(404)),
    };
}

/// The headers of a file's answer. `same-origin` and `require-corp` isolate the page, which shared memory asks for.
fn headers(path: &Path) -> Vec<Header> {
    let mime = mime_guess::from_path(path).first_or_octet_stream();
    let kind = match mime.type_() {
        mime_guess::mime::TEXT => format!("{}; charset=utf-8", mime.essence_str()),
        _ => mime.essence_str().to_owned(),
    };
    [
        ("Content-Type", kind.as_str()),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Embedder-Policy", "require-corp"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Cache-Control", "no-cache"),
    ]
    .into_iter()
    .filter_map(|(name, value)| Header::from_bytes(name, value).ok())
    .collect()
}

/// The file under `root` that a URL names; `index.html` for a folder.
fn locate(root: &Path, url: &str) -> Option<PathBuf> {
    let path = url.split(['?', '#']).next()?;
    let path = PathBuf::from(decode(path.trim_start_matches('/'))?);
    if !path.components().all(|part| matches!(part, Component::Normal(_))) {
        return None;
    }
    let mut file = root.join(path);
    if file.is_dir() {
        file.push("index.html");
    }
    file.is_file().then_some(file)
}

/// The text with `%41` and its like replaced.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digit = |byte: u8| (byte as char).to_digit(16);
                (digit(rest.next()?)? * 16 + digit(rest.next()?)?) as u8
            }
            _ => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use super::*;

    fn get(site: &Site, path: &str) -> String {
        let host = site.address.trim_start_matches("http://").trim_end_matches('/');
        let mut stream = TcpStream::connect(host).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn files_come_with_type_and_isolation_and_nothing_else_comes() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("root");
        fs::create_dir(&root).unwrap();
        fs::write(directory.path().join("secret"), "secret").unwrap();
        fs::write(root.join("index.html"), "<p>page</p>").unwrap();
        fs::write(root.join("a b.wasm"), "module").unwrap();
        fs::write(root.join("a.js"), "script").unwrap();
        let site = Site::start(&root, 0).unwrap();

        let page = get(&site, "/?query");
        assert!(page.starts_with("HTTP/1.1 200"), "{page}");
        assert!(page.contains("<p>page</p>"), "{page}");
        assert!(page.contains("Cross-Origin-Opener-Policy: same-origin"), "{page}");
        assert!(page.contains("Cross-Origin-Embedder-Policy: require-corp"), "{page}");
        assert!(get(&site, "/a%20b.wasm").contains("Content-Type: application/wasm\r\n"));
        assert!(get(&site, "/a.js").contains("Content-Type: text/javascript; charset=utf-8\r\n"));
        for outside in ["/../secret", "/%2e%2e/secret", "/none", "/%zz"] {
            let text = get(&site, outside);
            assert!(text.starts_with("HTTP/1.1 404"), "{outside}: {text}");
        }
    }

    #[test]
    fn a_taken_port_gives_way_to_the_next() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let next = listen(port).unwrap().local_addr().unwrap().port();
        assert!(next > port);
    }
}
