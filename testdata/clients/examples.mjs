// Drives handlers/examples with the official client: config.example is tour or
// privatechat. It reports what the clients received, step by step.
import { connected, main, open } from './common.mjs';

/** Returns next(event), which waits for the arguments of the next event of that name. */
function listen(socket) {
  const received = [];
  let wake = () => {};
  let over = null;
  socket.onAny((event, ...args) => {
    received.push([event, args]);
    wake();
  });
  socket.on('disconnect', (reason) => {
    over = reason;
    wake();
  });
  return async (event) => {
    for (;;) {
      const i = received.findIndex(([name]) => name === event);
      if (i >= 0) {
        return received.splice(i, 1)[0][1];
      }
      if (over) {
        throw new Error(`disconnected while waiting for ${event}: ${over}`);
      }
      await new Promise((resolve) => {
        wake = resolve;
      });
    }
  };
}

async function arrive(config, options) {
  const socket = open(config, options);
  const next = listen(socket);
  await connected(socket);
  return { socket, next };
}

/** Waits for the server to disconnect the client. */
function disconnected(socket) {
  return new Promise((resolve) => {
    socket.on('disconnect', (reason) => resolve({ reason, reconnects: socket.active }));
  });
}

async function tour(config, report) {
  const a = await arrive(config);
  const b = await arrive(config);
  const both = async (step) => report(step, { a: await a.next('response'), b: await b.next('response') });
  await both('connect');

  a.socket.emit('echo', 'only me ✓');
  report('echo', { a: await a.next('response') });
  a.socket.emit('broadcast', 'all');
  await both('broadcast');

  a.socket.emit('join', 'room');
  b.socket.emit('join', 'room');
  await both('join');
  b.socket.emit('room message', 'room', 'hi');
  await both('room message');
  a.socket.emit('close room', 'room');
  await both('close room');
  b.socket.emit('room message', 'room', 'into the void');
  a.socket.emit('leave', 'room');
  report('leave', { a: await a.next('response') });

  report('catch-all', { ack: await a.socket.emitWithAck('unknown', 1, { x: true }) });
  a.socket.emit('latency ping');
  report('latency', { a: await a.next('latency pong') });
  const [first] = await a.next('background');
  const [second] = await a.next('background');
  report('background', { step: second - first });

  const gone = disconnected(a.socket);
  a.socket.emit('disconnect request');
  const args = await a.next('response');
  const ack = args.pop();
  report('disconnect request', { a: args });
  ack();
  report('disconnected', await gone);
  report('left', { reason: (await b.next('left'))[1] });
  b.socket.disconnect();
}

async function privatechat(config, report) {
  const ada = await arrive(config, { auth: { nickname: 'Ada' } });
  const bob = await arrive(config, { auth: { nickname: 'Bob' } });
  const names = new Map([[ada.socket.id, 'ada'], [bob.socket.id, 'bob']]);
  const told = (value) => JSON.parse(JSON.stringify(value), (key, v) => (key === 'id' ? names.get(v) : v));
  report('users', { ada: told(await ada.next('users')), bob: told(await bob.next('users')) });
  report('user joined', { ada: told(await ada.next('user joined')) });

  const refused = open(config, { auth: { nickname: 'bob' } });
  const err = await new Promise((resolve) => {
    refused.on('connect_error', resolve);
  });
  report('refused', { message: err.message, data: err.data });
  refused.disconnect();

  ada.socket.emit('typing', { to: bob.socket.id, typing: true });
  report('typing', { bob: told(await bob.next('typing')) });
  const delivered = await ada.socket.emitWithAck('private message', { to: bob.socket.id, text: 'psst 🤫' });
  report('private message', { delivered, bob: told(await bob.next('private message')) });
  report('to nobody', { delivered: await ada.socket.emitWithAck('private message', { to: 'x', text: '?' }) });

  const taken = await bob.socket.emitWithAck('nickname', 'ADA');
  const free = await bob.socket.emitWithAck('nickname', 'Robert');
  report('nickname', { taken, free, ada: told(await ada.next('user renamed')) });
  bob.socket.disconnect();
  report('user left', { ada: told(await ada.next('user left')) });
  report('alone', { users: told(await ada.socket.emitWithAck('users')) });
  ada.socket.disconnect();
}

async function examples(config, report) {
  await { tour, privatechat }[config.example](config, report);
}

await main(import.meta, examples);
