"""The Flask application that askflask asks: login and logout, with the sessions of
Flask-Session, and tokens for clients without cookies.

    python3 flask_app.py [PORT]
"""

import datetime
import secrets
import sys
import tempfile

import jwt
from flask import Flask, abort, jsonify, redirect, request, session
from flask_session import Session

folder = tempfile.TemporaryDirectory(prefix='sessions-')  # gone with the process
app = Flask(__name__)
app.config.update(
    SESSION_TYPE='filesystem',  # 'redis' is the same to who asks
    SESSION_FILE_DIR=folder.name,
    SESSION_COOKIE_SAMESITE='Lax',
)
Session(app)

TOKEN_KEY = secrets.token_hex(32)
TOKEN_LIFETIME = datetime.timedelta(minutes=15)
MAX_NAME = 30


@app.post('/login')
def login():
    """Takes anybody's word for it: here an application of yours asks for a password."""
    name = ' '.join(request.form.get('name', '').split())
    if not 0 < len(name) <= MAX_NAME:
        abort(400)
    session['name'] = name
    return redirect('/')


@app.post('/logout')
def logout():
    session.clear()
    return redirect('/')


@app.post('/token')
def token():
    expires = datetime.datetime.now(datetime.timezone.utc) + TOKEN_LIFETIME
    return jsonify(token=jwt.encode({'sub': who(), 'exp': expires}, TOKEN_KEY, algorithm='HS256'))


@app.get('/whoami')
def whoami():
    return jsonify(name=who())


def who():
    """Returns the name of who sent the request, by its token or its session; nobody is 401."""
    kind, _, given = request.headers.get('Authorization', '').partition(' ')
    if kind == 'Bearer':
        try:
            return jwt.decode(given, TOKEN_KEY, algorithms=['HS256'])['sub']
        except jwt.InvalidTokenError:
            abort(401)
    if 'name' not in session:
        abort(401)
    return session['name']


if __name__ == '__main__':
    app.run(port=int(sys.argv[1]) if sys.argv[1:] else 8000)
