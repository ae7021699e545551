// Preloaded before the document's client, which knows one address only: leads that
// to the server under test, and tells the parent process the code of the end.
const TARGET = new URL(process.env.HIPFLASK_TEST_URL);
const Native = globalThis.WebSocket;

globalThis.WebSocket = class WebSocket extends Native {
  constructor(url) {
    super(url === 'ws://localhost:5000' ? `ws://${TARGET.host}` : url);
    this.addEventListener('close', ({ code }) => process.send({ code }));
  }
};
