// Messages close to the limit: config.textBytes and config.binaryBytes say how close.
import { connected, inbox, main, open, upgraded } from './common.mjs';

export default async function large(config, report) {
  const socket = open(config);
  const next = inbox(socket);
  const ready = config.mode === 'default' ? upgraded(socket) : Promise.resolve();
  await connected(socket);
  // In base64, as polling sends it, the binary message would be over the limit.
  await ready;

  const messages = {
    text: 'large '.repeat(config.textBytes / 6),
    binary: Buffer.alloc(config.binaryBytes, Buffer.from([0, 1, 0x7f, 0x80, 0xff])),
    after: 'small again',
  };
  for (const [name, sent] of Object.entries(messages)) {
    socket.emit('message', sent);
    report(name, { sent, args: await next() });
  }
  socket.disconnect();
}

await main(import.meta, large);
