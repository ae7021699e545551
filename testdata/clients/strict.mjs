// What React's StrictMode makes of an effect that connects: disconnect and connect in one
// turn, before the first connection stands and after it. Another socket holds the
// manager's connection open meanwhile. Each has to be connected in the end, and heard.
import { createRequire } from 'node:module';
import { connected, inbox, main } from './common.mjs';

const require = createRequire(import.meta.url);

async function strict(config, report) {
  const { Manager } = require(config.client);
  for (const namespace of ['/', '/chat']) {
    for (const moment of ['opening', 'connected']) {
      const manager = new Manager(config.url, { transports: [config.mode], reconnectionDelay: 50 });
      const other = manager.socket('/other');
      const socket = manager.socket(namespace);
      await connected(other);
      if (moment === 'connected' && !socket.connected) {
        await connected(socket);
      }
      const again = new Promise((resolve) => { socket.on('connect', resolve); });
      socket.disconnect();
      socket.connect();
      await again;
      const next = inbox(socket);
      socket.emit('message', `${namespace} ${moment}`);
      const [text] = await next();
      report('heard', { text });
      socket.disconnect();
      other.disconnect();
    }
  }
}

await main(import.meta, strict);
