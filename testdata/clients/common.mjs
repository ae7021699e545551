// What the client scripts share: the configuration, the report on stdout, the
// clients by version, and waits that end with the connection instead of hanging.
//
// A script takes one JSON argument:
//   url       the server, such as http://127.0.0.1:5000
//   client    the npm alias of the client, such as socket.io-client-2
//   mode      websocket, polling, or default (polling, then the upgrade)
//   parser    the npm name of the client's parser; none: its own
//   options   options of the client's more, such as {"forceBase64": true}
//   deadline  milliseconds after which the process gives up with exit code 3
// and prints one JSON object a line, which names its behaviour. Where it sent a
// message, the object holds it as sent, in the order of sending; args is what came back.

import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);

const LONG = 1000;

/** Runs behave(config, report) if its module is the one that node was started with. */
export async function main(meta, behave) {
  const file = fileURLToPath(meta.url);
  if (realpathSync(process.argv[1]) !== file) {
    return;
  }
  const config = JSON.parse(process.argv[2]);
  startDeadline(config);
  await behave(config, reporter(basename(file, '.mjs')));
}

/** Ends the process if it is still there when its time is up. */
export function startDeadline({ deadline = 30_000 }) {
  const giveUp = () => {
    console.error(`not finished after ${deadline} ms`);
    process.exit(3);
  };
  setTimeout(giveUp, deadline).unref();
}

/** Returns a function that prints what a behaviour saw. */
export function reporter(behaviour) {
  return (event, seen = {}) => {
    process.stdout.write(`${JSON.stringify({ behaviour, event, ...plain(seen) })}\n`);
  };
}

/** Makes a value fit for JSON: bytes as {$bytes: hex}, what is long as its length and hash. */
function plain(value) {
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
    const bytes = Buffer.from(value.buffer ?? value, value.byteOffset, value.byteLength);
    return bytes.length > LONG ? summary('bytes', bytes) : { $bytes: bytes.toString('hex') };
  }
  if (typeof value === 'string' && value.length > LONG) {
    return summary('text', Buffer.from(value));
  }
  if (Array.isArray(value)) {
    return value.map(plain);
  }
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, v]) => [key, plain(v)]));
  }
  return value;
}

function summary(kind, bytes) {
  return { $long: kind, length: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** Opens a connection of its own, in the way the configuration asks for. */
export function open({ url, client, mode, parser, options: configured }, options = {}) {
  const io = require(client);
  const transports = mode === 'default' ? {} : { transports: [mode] };
  const parsed = parser ? { parser: require(parser) } : {};
  return io(url, { forceNew: true, reconnection: false, ...transports, ...parsed, ...configured, ...options });
}

/** Waits until the socket is connected. */
export function connected(socket) {
  return new Promise((resolve, reject) => {
    socket.on('connect', resolve);
    for (const failure of ['connect_error', 'error']) {
      socket.on(failure, (err) => reject(new Error(`${failure}: ${err?.message ?? err}`)));
    }
  });
}

/** Waits until the transport is WebSocket. To be called before the connection is open. */
export function upgraded(socket) {
  const { engine } = socket.io;
  return new Promise((resolve, reject) => {
    engine.on('upgrade', resolve);
    engine.on('upgradeError', reject);
    engine.on('close', (reason) => reject(new Error(`closed before the upgrade: ${reason}`)));
  });
}

/** Returns next(), which waits for the arguments of the next `message` event. */
export function inbox(socket) {
  const received = [];
  let waiting = null;
  let over = null;
  socket.on('message', (...args) => {
    received.push(args);
    waiting?.resolve();
  });
  socket.on('disconnect', (reason) => {
    over = new Error(`disconnected while waiting for a message: ${reason}`);
    waiting?.reject(over);
  });
  return async () => {
    while (received.length === 0) {
      if (over) {
        throw over;
      }
      await new Promise((resolve, reject) => {
        waiting = { resolve, reject };
      });
    }
    return received.shift();
  };
}

/** Connects and sends each [name, value] as a message. */
export async function echo(config, report, cases) {
  const socket = open(config);
  const next = inbox(socket);
  await connected(socket);
  for (const [name, value] of cases) {
    socket.emit('message', value);
    report(name, { sent: value, args: await next() });
  }
  socket.disconnect();
}
