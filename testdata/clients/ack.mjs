// Acknowledgements: each callback once, without arguments, and after the broadcast.
import { connected, inbox, main, open } from './common.mjs';

const MANY = 20;

export default async function ack(config, report) {
  const socket = open(config);
  const next = inbox(socket);
  await connected(socket);
  await one(socket, next, report, 'text', 'ack me');
  await one(socket, next, report, 'bytes', { data: Buffer.from('ack') });
  await many(socket, report);
  socket.disconnect();
}

async function one(socket, next, report, name, sent) {
  const order = [];
  const calls = [];
  socket.once('message', () => order.push('message'));
  const called = new Promise((resolve) => {
    socket.emit('message', sent, (...args) => {
      calls.push(args);
      order.push('ack');
      resolve();
    });
  });
  const args = await next();
  await called;

  // Whatever else was to come for the first message is here before the second.
  const second = 'another round trip';
  socket.emit('message', second);
  const again = await next();
  report(name, { sent, args, calls, order });
  report('second', { sent: second, args: again });
}

// Acks that are under way at the same time each find their own callback.
async function many(socket, report) {
  const answered = [];
  const acks = Array.from({ length: MANY }, (_, i) => new Promise((resolve) => {
    const sent = `ack ${i}`;
    report('under way', { sent });
    socket.emit('message', sent, () => {
      answered.push(i);
      resolve();
    });
  }));
  await Promise.all(acks);
  report('many', { answered });
}

await main(import.meta, ack);
