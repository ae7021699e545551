// A client with config.parser and one without talk in all ways that there are: what each
// was sent, as JSON with bytes as {$bytes: hex}, must be the same for both.
import { connected, main, open, upgraded } from './common.mjs';

const DATE = new Date(Date.UTC(2026, 10, 26, 12, 30, 0, 250));
const once = (socket, event) => new Promise((resolve) => { socket.once(event, (...args) => resolve(args)); });
const ask = (socket, ...args) => new Promise((resolve) => { socket.emit(...args, (...answer) => resolve(answer)); });

async function conversation(config) {
  const told = {};
  const socket = open(config, { auth: { token: 'x', list: [1, null] } });
  const ready = config.mode === 'default' ? upgraded(socket) : Promise.resolve();
  const welcome = once(socket, 'welcome');
  await connected(socket);
  told.welcome = await welcome;
  await ready;
  told.nothing = await ask(socket, 'echo');
  told.undefined = await ask(socket, 'echo', undefined, { a: undefined, b: [undefined], c: null });
  told.dates = await ask(socket, 'echo', DATE, { at: [DATE] });
  told.numbers = await ask(socket, 'echo', 2 ** 53 + 2, -(2 ** 53) - 2, 2 ** 31, -1, 1.5, 255, 65536, -129);
  told.bytes = await ask(socket, 'echo', Buffer.from([0, 255]), { a: [{ b: Buffer.alloc(0) }], c: new Uint8Array([1, 2]) });
  told.buffer = await ask(socket, 'echo', new Uint8Array([3]).buffer);
  told.text = await ask(socket, 'echo', 'Zoë \u{1F600} \u0000', '', 'x'.repeat(300), { '': 1, 'é': 2 });
  told.list = await ask(socket, 'echo', Array.from({ length: 20 }, (_, i) => i), [], {}, [[[[]]]]);
  told.placeholder = await ask(socket, 'echo', { _placeholder: 'no', num: 0 });
  const questions = [];
  socket.on('question', (...args) => {
    const answer = args.pop();
    questions.push(args);
    answer(...args, Buffer.from([9]));
  });
  told.asked = await ask(socket, 'ask me', 'how', { many: Buffer.from([7]) });
  told.questions = questions;

  const chat = socket.io.socket('/chat', {});
  chat.connect();
  told.refused = await new Promise((resolve) => {
    chat.once('connect_error', (err) => resolve([err.message, err.data]));
  });
  const other = socket.io.socket('/other', { auth: { here: true } });
  other.connect();
  await once(other, 'connect');
  told.other = await ask(other, 'echo', 'in another namespace');
  const gone = once(other, 'disconnect');
  other.emit('throw me out', 1, 2);
  told.gone = await gone;
  const unknown = socket.io.socket('/nowhere', {});
  unknown.connect();
  told.unknown = await new Promise((resolve) => {
    unknown.once('connect_error', (err) => resolve([err.message]));
  });
  told.still = await ask(socket, 'echo', 'still here');
  told.transport = socket.io.engine.transport.name;
  socket.disconnect();
  return told;
}

async function msgpack(config, report) {
  for (const parser of [config.parser, '']) {
    report(parser ? 'packed' : 'usual', { told: await conversation({ ...config, parser }) });
  }
}

await main(import.meta, msgpack);
