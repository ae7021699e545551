// Plays scenes against a server, and reports all that its clients were told: each
// event, ack, refusal and end. A report also says how many connections there were, and
// after it a line on stdin is awaited: so that what the server prints can be told
// apart by scene, and one connection's end comes before the next one's beginning.
import { createInterface } from 'node:readline';
import { connected, main, open, upgraded } from './common.mjs';

const CLIENTS = ['socket.io-client-3', 'socket.io-client'];
const MODES = ['websocket', 'polling', 'default'];
const LAST = 'the last message';

/** How many connections there were since the last report. */
let joined = 0;

/** Waits for the next event of this name. */
function next(socket, event) {
  return new Promise((resolve) => {
    socket.once(event, resolve);
  });
}

/** Notes whatever a socket is told, in order, under its name. */
function record(socket, told, name) {
  told[name] = [];
  const note = (...what) => told[name].push(what);
  socket.onAny((event, ...args) => note(event, ...args));
  socket.on('connect', () => {
    joined += 1;
    note('connect');
  });
  socket.on('connect_error', (err) => note('connect_error', err.message ?? null, err.data ?? null));
  socket.on('disconnect', (reason) => note('disconnect', reason));
  return note;
}

/** Opens the sockets that a scene has, one after the other. */
async function join(config, told, ...names) {
  const sockets = [];
  for (const name of names) {
    const socket = open(config);
    const note = record(socket, told, name);
    const isUpgraded = config.mode === 'default' ? upgraded(socket) : null;
    await connected(socket);
    await isUpgraded;
    note('transport', socket.io.engine.transport.name);
    sockets.push(socket);
  }
  return sockets;
}

/** Waits until every one of the sockets has heard the last message, which the first sends. */
async function finish(sockets) {
  const heard = sockets.map((socket) => new Promise((resolve, reject) => {
    socket.onAny((event, text) => {
      if (event === 'message' && text === LAST) {
        resolve();
      }
    });
    socket.on('disconnect', (reason) => reject(new Error(`disconnected: ${reason}`)));
  }));
  sockets[0].emit('message', LAST);
  await Promise.all(heard);
  for (const socket of sockets) {
    socket.disconnect();
  }
}

// What is sent waits for an echo now and then, because Flask-SocketIO loses a payload of
// more than 16 packets.

/** Sends each value as a message. */
async function sendAll(socket, values) {
  for (const value of values) {
    const echo = new Promise((resolve) => {
      socket.on('message', function heard(back) {
        if (value !== 'next' || back === 'next') {
          socket.off('message', heard);
          resolve();
        }
      });
    });
    socket.emit('message', value);
    await echo;
  }
}

/** Emits with an ack, whose call is noted. */
function emitWithAck(socket, told, ...args) {
  socket.emit(...args, (...answer) => told.a.push(['ack', args.slice(1), ...answer]));
}

const bytes = (...list) => Buffer.from(list);

const VALUES = [
  'hello', '', 42, 2.0, 1.5, -0, 0.1, 1e21, 1e300, 1e-7, -1e-7, 123456789.125, Number.MAX_SAFE_INTEGER, 2 ** 53, 2 ** 64,
  Number.MIN_VALUE, Number.MAX_VALUE, true, false, null, undefined, NaN, Infinity,
  { user: 'bob', text: "it's", n: 1, f: 1.5, t: true, z: null, l: [1, '2', {}] },
  [1, 'two', 3.5, null, true, { a: 1 }], [], {}, [[]], [null], [undefined], { gone: undefined, nan: NaN },
  { z: 1, a: 2, 'with space': 3, '': 4, "it's": 5, '"': 6, 'é': 7 },
  ['', ' ', "'", '"', "'\"", '\\', '\n', '\r', '\t', '\0', '\u001b', '\u007f', '\u0085', '\u00a0', '\u00ad', '\u200b', '\u2028', '\ufeff'],
  ['é', 'ñ', '日本語', '😀', '👩‍👩‍👧', '\u{1f1e9}\u{1f1ea}', 'ß', 'İ', '\u0301', '\ue000', '\uffff'],
  'a string\nof two lines', 'tab\tand "quotes" and \\', 'é日本語😀', "it's",
  { _placeholder: 'no', num: 'none' }, { _placeholder: true, num: 0 }, new Date(0), { date: new Date(0) }, 'x'.repeat(5000),
];

const BINARY = [
  bytes(0, 1, 2, 255, 65, 39), Buffer.from("hello'\n"), bytes(), Buffer.from('"'), Buffer.from(`"'`), Buffer.from('\\\t\r'),
  { name: 'f', data: Buffer.from('xyz') }, [Buffer.from('a'), Buffer.from('b')],
  { deep: [{ er: [Buffer.from('x'), 1, { y: Buffer.from('y') }] }], plain: true },
  new Uint8Array([1, 2, 3]), new Uint16Array([1, 258]).buffer,
  Buffer.alloc(3000, 7),
];

const SCENES = {
  async values(config, told) {
    const sockets = await join(config, told, 'a', 'b');
    await sendAll(sockets[0], VALUES);
    await finish(sockets);
  },

  async binary(config, told) {
    const sockets = await join(config, told, 'a', 'b');
    await sendAll(sockets[0], BINARY);
    await finish(sockets);
  },

  async arguments(config, told) {
    const sockets = await join(config, told, 'a', 'b');
    const [socket] = sockets;
    for (const args of [[], ['one'], ['one', 'two'], ['one', 2, [3]], [null], [undefined], [null, null], [Buffer.from('x'), 'y']]) {
      socket.emit('message', ...args);
      emitWithAck(socket, told, 'message', ...args);
      await sendAll(socket, ['next']);
    }
    socket.send('sent');
    await finish(sockets);
  },

  async others(config, told) {
    const sockets = await join(config, told, 'a');
    const [socket] = sockets;
    for (const event of ['json', 'unknown', 'Message', 'error', 'ping', '*', '']) {
      socket.emit(event, { a: 1 });
      emitWithAck(socket, told, event, `${event}'s`);
      await sendAll(socket, ['next']);
    }
    await finish(sockets);
  },

  async namespaces(config, told) {
    const [socket] = await join(config, told, 'a');
    for (const name of ['/foo', '/föö', '/admin']) {
      const other = socket.io.socket(name, { auth: { token: 'x' } });
      record(other, told, name);
      const refused = next(other, 'connect_error');
      await refused;
      other.disconnect();
    }
    await finish([socket]);
  },

  async auth(config, told, pause) {
    for (const auth of [{ token: 'x' }, {}, (answer) => answer({ user: { id: 1 }, list: [1, 2] })]) {
      const socket = open(config, { auth });
      record(socket, told, 'a');
      await connected(socket);
      await finish([socket]);
      await pause();
    }
  },

  async reconnect(config, told, pause) {
    const [socket] = await join(config, told, 'a');
    const first = socket.id;
    for (let i = 0; i < 2; i += 1) {
      const closed = next(socket.io.engine, 'close');
      socket.disconnect();
      await closed;
      await pause();
      const again = next(socket, 'connect');
      socket.connect();
      await again;
    }
    told.a.push(['has a new id', socket.id !== first]);
    await finish([socket]);
  },

  async headers(config, told) {
    const socket = open(config, { query: { token: 'a b&c' }, extraHeaders: { Authorization: 'Bearer x' } });
    record(socket, told, 'a');
    await connected(socket);
    await finish([socket]);
  },
};

async function parity(config, report) {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const pause = async (event = 'pause', told = {}) => {
    report(event, { joined, told });
    joined = 0;
    await lines.next();
  };
  for (const client of CLIENTS) {
    for (const mode of MODES) {
      for (const [name, play] of Object.entries(SCENES)) {
        const told = {};
        await play({ ...config, client, mode }, told, () => pause());
        await pause(`${client} ${mode} ${name}`, told);
      }
    }
  }
  report('end');
  process.stdin.unref();
}

await main(import.meta, parity);
