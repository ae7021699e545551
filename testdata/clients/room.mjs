// Clients with config.parser, over each transport, and one without it are in a room with
// others. When they hear "go" they say what is hardest to carry, and each reports
// what it has heard when that are config.count messages.
import { connected, main, open } from './common.mjs';

async function room(config, report) {
  const clients = [
    ['websocket', config.parser], ['polling', config.parser], ['default', config.parser], ['websocket', ''],
  ].map(([mode, parser]) => ({ name: `${mode} ${parser}`.trim(), socket: open({ ...config, mode, parser }), heard: [] }));
  const all = clients.map(({ socket, heard }) => new Promise((resolve, reject) => {
    socket.on('message', (...args) => {
      heard.push(args);
      if (heard.length === config.count) {
        resolve();
      }
    });
    socket.on('disconnect', (reason) => reject(new Error(reason)));
  }));
  await Promise.all(clients.map(({ socket }) => connected(socket)));
  for (const { name, socket } of clients) {
    socket.once('message', () => {
      socket.emit('message', `text from ${name}`);
      socket.emit('message', { from: name, deep: [{ bytes: Buffer.from(name) }, 2 ** 53, null] });
    });
  }
  report('joined');
  await Promise.all(all);
  for (const { name, socket, heard } of clients) {
    report('heard', { name, heard });
    socket.removeAllListeners('disconnect');
    socket.disconnect();
  }
}

await main(import.meta, room);
