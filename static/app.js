// The chat page: connects to the server that served it, sends what is written as
// the event "message" and shows every "message" that arrives.

import { MessageList, clock } from './messages.js';

const socketPath = document.documentElement.dataset.socketPath;

const ui = Object.fromEntries(
  ['state', 'state-label', 'state-detail', 'notice', 'notice-text', 'retry', 'composer', 'text', 'send', 'jump', 'snippet']
    .map((id) => [id, document.getElementById(id)]),
);
const list = new MessageList();

const KEPT = 'What you write stays here; you can send it once connected.';

const REASONS = {
  'io server disconnect': 'the server ended the connection',
  'ping timeout': 'the server stopped answering',
  'transport close': 'the connection was lost',
  'transport error': 'the connection failed',
  'parse error': 'the server sent something unreadable',
};

// ---- What the page says about the connection ----

function showState(state, label, detail = '') {
  ui.state.dataset.state = state;
  // Writing the same text again would make a screen reader repeat it.
  if (ui['state-label'].textContent !== label) ui['state-label'].textContent = label;
  ui['state-detail'].textContent = detail;
}

function showNotice(text, canRetry = false) {
  const retryHadFocus = document.activeElement === ui.retry;
  ui.notice.hidden = !text;
  if (ui['notice-text'].textContent !== text) ui['notice-text'].textContent = text;
  ui.retry.hidden = !canRetry;
  if (retryHadFocus && !canRetry) ui.text.focus();
}

function transportLabel(name) {
  return { websocket: 'Connected by WebSocket', polling: 'Connected by long-polling' }[name] ?? `Connected by ${name}`;
}

// ---- The connection ----

// chosenTransports reads ?transports=websocket or polling, or both by a comma.
function chosenTransports() {
  const wanted = new URLSearchParams(location.search).get('transports');
  if (wanted === null) return null;
  const names = wanted.split(',');
  if (names.every((name) => name === 'websocket' || name === 'polling')) return names;
  list.note(`The address asks for the transports “${wanted}”; there are only polling and websocket. Both are used.`, new Date());
  return null;
}

class Connection {
  #socket;
  #maxPayload = Infinity; // bytes, as the server announces it
  #wasConnected = false;
  #trouble = `There is no connection yet. ${KEPT}`; // why nothing can be sent
  #unread = 0;

  constructor(io) {
    const chosen = chosenTransports();
    this.#socket = io({
      path: socketPath,
      transports: chosen ?? ['polling', 'websocket'],
      // A server that serves only WebSocket refuses the first, polling, request.
      tryAllTransports: chosen === null,
    });
    this.#watchEngine();
    this.#socket.on('message', (...args) => this.#received(args));
    this.#socket.on('connect', () => this.#connected());
    this.#socket.on('disconnect', (reason) => this.#disconnected(reason));
    this.#socket.on('connect_error', (error) => this.#refused(error));
    this.#socket.io.on('reconnect_attempt', (attempt) => this.#retrying(attempt));
    document.addEventListener('visibilitychange', () => this.#seen());
  }

  isOpen() {
    return this.#socket.connected;
  }

  // send gives '' once the text is on its way, or why it is not.
  send(text) {
    // The client would keep the text and send it some time later, unseen.
    if (!this.isOpen()) return `Not sent. ${this.#trouble}`;
    const bytes = new TextEncoder().encode(`42${JSON.stringify(['message', text])}`).length;
    if (bytes > this.#maxPayload) {
      return `Not sent: it takes ${bytes.toLocaleString()} bytes, and this server takes at most ${this.#maxPayload.toLocaleString()} a message.`;
    }
    this.#socket.emit('message', text);
    return '';
  }

  // retry connects again where the client does not do so by itself.
  retry() {
    showState('connecting', 'Connecting');
    showNotice('');
    this.#socket.connect();
    this.#watchEngine();
  }

  // watchEngine is called for each new engine, before its handshake.
  #watchEngine() {
    this.#socket.io.engine.on('handshake', ({ maxPayload }) => {
      this.#maxPayload = maxPayload > 0 ? maxPayload : Infinity;
    });
  }

  #connected() {
    const at = new Date();
    const again = this.#wasConnected;
    this.#wasConnected = true;
    const detail = again ? `reconnected ${clock(at)}` : `since ${clock(at)}`;
    const { engine } = this.#socket.io;
    showState('connected', transportLabel(engine.transport.name), detail);
    engine.on('upgrade', (transport) => showState('connected', transportLabel(transport.name), detail));
    showNotice('');
    ui.send.setAttribute('aria-disabled', 'false');
    if (!again) return;
    const missed = this.#socket.recovered ? '' : '. Messages sent in between are not shown here';
    list.note(`Reconnected at ${clock(at)}${missed}.`, at);
  }

  #disconnected(reason) {
    const at = new Date();
    const why = REASONS[reason] ? `${REASONS[reason]} (${reason})` : reason;
    list.note(`Disconnected at ${clock(at)}: ${why}.`, at);
    ui.send.setAttribute('aria-disabled', 'true');
    if (this.#socket.active) showState('connecting', 'Reconnecting');
    this.#stopped(`Disconnected: ${why}.`);
  }

  #refused(error) {
    const why = error.message ? ` (${error.message})` : '';
    this.#stopped(this.#socket.active
      ? `Cannot connect to the server${why}.`
      : `The server refused the connection${why}.`);
  }

  // stopped tells what is wrong; an active socket goes on trying by itself.
  #stopped(what) {
    const { active } = this.#socket;
    this.#trouble = active ? `${what} Trying again. ${KEPT}` : `${what} ${KEPT}`;
    if (!active) showState('disconnected', 'Disconnected');
    showNotice(this.#trouble, !active);
  }

  #retrying(attempt) {
    showState('connecting', this.#wasConnected ? 'Reconnecting' : 'Connecting', `attempt ${attempt}`);
    // The manager makes the new engine right after this event.
    queueMicrotask(() => this.#watchEngine());
  }

  #received(args) {
    list.message(args, new Date());
    if (!document.hidden) return;
    this.#unread++;
    document.title = `(${this.#unread}) Hipflask`;
  }

  #seen() {
    if (document.hidden) return;
    this.#unread = 0;
    document.title = 'Hipflask';
  }
}

// ---- Writing ----

let connection = null; // until the client is loaded

function fitText() {
  const { text } = ui;
  const borders = text.offsetHeight - text.clientHeight;
  text.style.height = 'auto';
  text.style.height = `${text.scrollHeight + borders}px`;
}

function submit() {
  const text = ui.text.value;
  ui.text.focus();
  if (text.trim() === '' || !connection) return;
  const refusal = connection.send(text);
  if (refusal) {
    showNotice(refusal, !ui.retry.hidden);
    return;
  }
  showNotice('');
  ui.text.value = '';
  fitText();
  list.toBottom();
}

function listen() {
  ui.text.addEventListener('input', () => {
    fitText();
    if (connection?.isOpen()) showNotice(''); // it was about the text before
  });
  ui.text.addEventListener('keydown', (event) => {
    // 229: Safari ends a composition before it tells of the key that ended it.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    ui.composer.requestSubmit();
  });
  ui.composer.addEventListener('submit', (event) => {
    event.preventDefault();
    submit();
  });
  ui.retry.addEventListener('click', () => connection.retry());
  ui.jump.addEventListener('click', (event) => {
    if (event.detail === 0) ui.text.focus(); // by keyboard: the button is gone now
  });
  // A click or tap on these leaves the focus, and a phone's keyboard, where it is.
  for (const button of [ui.send, ui.jump]) {
    button.addEventListener('mousedown', (event) => event.preventDefault());
  }
}

// snippet is what another page writes to connect to this server.
function snippet() {
  const options = socketPath === '/socket.io' ? '' : `, { path: '${socketPath}' }`;
  return `io('${location.origin}'${options})`;
}

async function start() {
  ui.snippet.textContent = snippet();
  listen();
  try {
    const { io } = await import(`${socketPath}/socket.io.esm.min.js`);
    connection = new Connection(io);
  } catch (error) {
    console.error(error);
    showState('disconnected', 'Not connected');
    showNotice('The Socket.IO client could not be loaded from the server. Reload the page to try again.');
  }
}

start();
