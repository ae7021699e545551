// One sender emits config.count numbered messages; a receiver of every version in
// config.clients over every way in MODES has to get all of them, whole and in order.
import { connected, inbox, main, open, upgraded } from './common.mjs';

// late is the default way, but the upgrade starts in the middle of the burst.
const MODES = ['websocket', 'polling', 'default', 'late'];
const SLICE = 50;
const END = 'end of the burst';

/** Message n: a text, and bytes too in every 50th. */
function message(n) {
  const text = `${n} ${'é👋'.repeat(n % 20)}`;
  return n % 50 === 49 ? { n, text, data: Buffer.alloc(n % 300, 0xff) } : text;
}

/** Says whether got is message(n), as it comes out of the client's decoder. */
function isMessage(got, n) {
  const want = message(n);
  if (typeof want === 'string') {
    return got === want;
  }
  return got?.n === want.n && got.text === want.text && Buffer.isBuffer(got.data) && want.data.equals(got.data);
}

/** Keeps the client from upgrading until the returned function is called. */
function holdUpgrade(socket) {
  const { engine } = socket.io;
  let withheld;
  engine.on('handshake', (data) => {
    withheld = data.upgrades;
    data.upgrades = [];
  });
  return () => {
    const probe = engine.probe ?? engine._probe;
    withheld.forEach((name) => probe.call(engine, name));
  };
}

class Receiver {
  constructor(config, client, mode) {
    this.client = client;
    this.mode = mode;
    this.count = config.count;
    this.got = 0;
    this.wrong = null;
    this.socket = open({ ...config, client, mode: mode === 'late' ? 'default' : mode });
    this.connected = connected(this.socket);
    this.upgraded = mode === 'default' || mode === 'late' ? upgraded(this.socket) : Promise.resolve();
    this.startUpgrade = mode === 'late' ? holdUpgrade(this.socket) : null;
    this.done = new Promise((resolve) => {
      this.socket.on('message', (...args) => this.receive(args, resolve));
      this.socket.on('disconnect', (reason) => {
        this.wrong ??= `disconnected after ${this.got}: ${reason}`;
        resolve();
      });
    });
  }

  receive(args, done) {
    if (args[0] === END) {
      done();
      return;
    }
    if (args.length !== 1 || !isMessage(args[0], this.got)) {
      this.wrong ??= `message ${this.got}: ${JSON.stringify(args).slice(0, 200)}`;
    }
    this.got++;
    if (this.got === this.count / 2) {
      this.startUpgrade?.();
    }
  }

  async finish(report) {
    await this.done;
    await this.upgraded;
    this.report(report);
  }

  report(report) {
    const transport = this.socket.io.engine.transport.name;
    report('receiver', { client: this.client, mode: this.mode, got: this.got, wrong: this.wrong, transport });
  }
}

/** Sends the first half at once, the rest in slices, so that it meets the upgrades. */
async function send(sender, count) {
  const next = inbox(sender);
  for (let n = 0; n < count; n++) {
    sender.emit('message', message(n));
    if (n >= count / 2 && n % SLICE === 0) {
      let heard;
      do {
        [heard] = await next();
      } while (heard !== message(n));
    }
  }
  sender.emit('message', END);
}

async function burst(config, report) {
  const receivers = config.clients.flatMap((client) => MODES.map((mode) => new Receiver(config, client, mode)));
  const sender = open(config);
  await Promise.all([connected(sender), ...receivers.map((r) => r.connected)]);
  // At the deadline, say how far each one came.
  process.on('exit', (code) => code !== 0 && receivers.forEach((r) => r.report(report)));

  await send(sender, config.count);
  for (const receiver of receivers) {
    await receiver.finish(report);
  }
  for (const { socket } of [...receivers, { socket: sender }]) {
    socket.disconnect();
  }
}

await main(import.meta, burst);
