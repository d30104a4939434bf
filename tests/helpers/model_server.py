"""A local web server of one model, whose answers can break off."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    """Answers with the server's content, from the byte that the request asks for."""

    def do_GET(self):
        requested = self.headers.get("Range")
        self.server.requested.append(requested)
        if self.path != "/model.zip":
            return self.send_error(404)
        resumes = requested and self.server.ranges
        start = int(requested.split("=")[1].rstrip("-")) if resumes else 0
        body = self.server.content[start:]
        if not body:
            return self.send_error(416)
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        stop = self.server.breaks.pop(0) if self.server.breaks else len(body)
        self.wfile.write(body[:stop])

    def log_message(self, *_):
        pass


@contextmanager
def model_server(content: bytes) -> Iterator[ThreadingHTTPServer]:
    """Serve `content` at `url`; `breaks` says after how many bytes each answer breaks off.

    `requested` lists the ranges that were asked for; with `ranges` False the server cannot resume.
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.content, server.breaks, server.requested, server.ranges = content, [], [], True
    server.url = f"http://127.0.0.1:{server.server_port}/model.zip"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
