"""A Flask process behind the server: python3 -u behind.py prints its port, and ends with its stdin."""

import hashlib
import os
import sys
import threading

from flask import Flask, Response, jsonify, redirect, request, session
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.serving import make_server

app = Flask(__name__)
app.secret_key = 's3cret'
app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1, x_prefix=1, x_port=1)


@app.route('/seen/<path:rest>')
def seen(rest):
    return jsonify(path=rest, raw=request.environ['REQUEST_URI'], remote=request.remote_addr, url=request.url_root,
                   names=sorted(k for k in request.environ if k.startswith('HTTP_')))


@app.route('/login', methods=['POST'])
def login():
    session['name'] = request.form['name']
    return redirect('/home')


@app.route('/home')
def home():
    return 'Hello, ' + session['name']


@app.route('/hash', methods=['POST'])
def digest():
    h = hashlib.sha256()
    while chunk := request.stream.read(1 << 16):
        h.update(chunk)
    return h.hexdigest()


@app.route('/events')
def events():
    def run():
        yield 'data: one\n\n'
        yield 'data: two\n\n'
    return Response(run(), mimetype='text/event-stream')


server = make_server('127.0.0.1', 0, app, threaded=True)
print('port %d' % server.server_port, flush=True)
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
server.serve_forever()
