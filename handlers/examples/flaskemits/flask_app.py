"""The Flask application that emits to the clients of flaskemits. It has no sockets.

    REDIS_URL=redis://127.0.0.1:6379/0 python3 flask_app.py [PORT]

The same from a script, which tells all who watch order 17 that it is ready:

    python3 flask_app.py emit 17 ready
"""

import os
import sys

from flask import Flask, abort, jsonify, request
from flask_socketio import SocketIO

STATES = ('received', 'in the oven', 'ready')

app = Flask(__name__)
# Without an application it does nothing but emit, as in a Celery task.
socketio = SocketIO(message_queue=os.environ.get('REDIS_URL', 'redis://127.0.0.1:6379/0'))
orders = {17: STATES[0], 18: STATES[0]}  # a database, elsewhere


def tell(number, state):
    socketio.emit('order', {'number': number, 'state': state}, to='order %d' % number)


@app.get('/orders/<int:number>')
def show(number):
    if number not in orders:
        abort(404)
    return jsonify(number=number, state=orders[number])


@app.post('/orders/<int:number>')
def change(number):
    state = request.form.get('state')
    if number not in orders:
        abort(404)
    if state not in STATES:
        abort(400)
    orders[number] = state
    tell(number, state)
    return '', 204


if __name__ == '__main__':
    if sys.argv[1:2] == ['emit']:
        tell(int(sys.argv[2]), sys.argv[3])
    else:
        app.run(port=int(sys.argv[1]) if sys.argv[1:] else 8000)
