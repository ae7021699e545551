// The client of the document's section 4.2, ../plain/client.js, in one chat with two
// socket.io clients. Where it runs is the caller's: see plain-browser.mjs and
// plain-node.mjs. It runs twice: once it leaves, once the server does.
import { connected, inbox, open } from './common.mjs';

/** The URL that the script connects to; config.url is where it is to arrive. */
export const DOCUMENT_URL = 'http://localhost:5000';

/** Lines as they come: push() adds one, next() waits for one, end() says that there are no more. */
export class Lines {
  #lines = [];
  #ended = false;
  #wake = () => {};

  push(line) {
    this.#lines.push(line);
    this.#wake();
  }

  end() {
    this.#ended = true;
    this.#wake();
  }

  async next() {
    while (this.#lines.length === 0) {
      if (this.#ended) {
        throw new Error('the script ended while a line was awaited');
      }
      await new Promise((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#lines.shift();
  }
}

/**
 * start() runs the script and resolves to its console { lines }, leave(), which ends
 * it, and end(), which resolves to the code of its close event.
 */
export async function beside(config, report, start) {
  const modes = ['websocket', 'polling'];
  const sockets = modes.map((mode) => open({ ...config, mode }));
  const nexts = sockets.map(inbox);
  await Promise.all(sockets.map(connected));
  const allHear = async (script) => {
    report('console', { line: await script.lines.next() });
    for (const [i, next] of nexts.entries()) {
      report('heard', { who: modes[i], args: await next() });
    }
  };

  for (const stays of [false, true]) {
    const script = await start();
    report('console', { line: await script.lines.next() });
    await allHear(script);
    for (const [i, socket] of sockets.entries()) {
      socket.emit('message', `from ${modes[i]}`);
      await allHear(script);
    }
    if (stays) {
      report('waiting');
      report('console', { line: await script.lines.next() });
      report('gone', { code: await script.end() });
    }
    await script.leave();
    report('left');
  }
}
