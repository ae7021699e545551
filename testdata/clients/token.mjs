// A token for the connect handler of a namespace: in the query of its name, as 1.x and 2.x
// have it, or as auth. The right one is connected, a wrong one is refused.
import { main, open } from './common.mjs';

async function token(config, report) {
  const old = ['socket.io-client-1', 'socket.io-client-2'].includes(config.client);
  for (const word of ['s3cret', 'wrong']) {
    const socket = old
      ? open({ ...config, url: `${config.url}/chat?token=${word}&room=a&room=b` })
      : open({ ...config, url: `${config.url}/chat` }, { auth: { token: word, room: ['a', 'b'] } });
    const outcome = await new Promise((resolve) => {
      socket.on('connect', () => resolve('connected'));
      for (const failure of ['connect_error', 'error']) {
        socket.on(failure, (err) => resolve(`refused: ${err?.message ?? err}`));
      }
    });
    report('outcome', { word, outcome });
    socket.disconnect();
  }
}

await main(import.meta, token);
