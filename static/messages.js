// The list of messages: turns what arrives into text, never into HTML, and keeps
// the list bounded, so that a page left open for weeks stays small.

const MAX_ENTRIES = 500;
const MAX_CHARACTERS = 4_000_000; // over all entries
const FOLDED_CHARACTERS = 1500; // of one message, before "Show all"
const FOLDED_LINES = 20;
const HEX_BYTES = 48;
const INDENTED_CHARACTERS = 20_000; // of JSON, and
const INDENTED_LEVELS = 30; // beyond which it is shown on one line
const NEAR_BOTTOM = 40; // pixels

// describe gives the text that stands for one argument of a message, and a label
// where the text alone would leave its type open: "42" is not 42.
function describe(value) {
  if (typeof value === 'string') {
    return value === '' ? { text: '', label: 'empty text' } : { text: value };
  }
  const bytes = asBytes(value);
  if (bytes) return { text: hex(bytes), label: byteCount(bytes), code: true };
  try {
    return { text: json(value), label: 'JSON', code: true };
  } catch { // the stack ran out
    return { text: '', label: 'JSON nested too deeply to show' };
  }
}

// json indents what a person can read. Indenting costs depth times lines: a few
// kilobytes of brackets could become hundreds of megabytes and stop the page.
function json(value) {
  const line = JSON.stringify(value, nestedBytes);
  if (line.length > INDENTED_CHARACTERS || deeperThan(INDENTED_LEVELS, value)) return line;
  return JSON.stringify(value, nestedBytes, 2);
}

function deeperThan(levels, value) {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((v) => deeperThan(levels - 1, v));
}

function asBytes(value) {
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  return null;
}

function nestedBytes(key, value) {
  const bytes = asBytes(value);
  if (!bytes) return value;
  return bytes.length ? `<${byteCount(bytes)}: ${hex(bytes)}>` : '<0 bytes>';
}

function byteCount(bytes) {
  return bytes.length === 1 ? '1 byte' : `${bytes.length.toLocaleString()} bytes`;
}

function hex(bytes) {
  const shown = Array.from(bytes.subarray(0, HEX_BYTES), (b) => b.toString(16).padStart(2, '0'));
  if (bytes.length > HEX_BYTES) shown.push('…');
  return shown.join(' ');
}

// fold cuts a long text, at a line or between two characters.
function fold(text) {
  const head = text.split('\n', FOLDED_LINES).join('\n').slice(0, FOLDED_CHARACTERS);
  if (head.length === text.length) return text;
  return head.replace(/[\ud800-\udbff]$/, '') + '…';
}

export function clock(at) {
  return at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit' });
}

function element(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

function timeOf(at) {
  const node = element('time', '', clock(at));
  node.dateTime = at.toISOString();
  node.title = `Received by this browser: ${at.toLocaleString()}`;
  return node;
}

function bodyOf({ text, label, code }, onResize) {
  const body = element('div', code ? 'body code' : 'body');
  if (label) body.append(element('span', 'label', label));
  const short = fold(text);
  const content = element('p', 'content', short);
  content.dir = code ? 'ltr' : 'auto';
  if (text) body.append(content);
  if (short !== text) body.append(foldButton(content, short, text, onResize));
  return body;
}

function foldButton(content, short, text, onResize) {
  const all = `Show all ${text.length.toLocaleString()} characters`;
  const button = element('button', 'fold', all);
  button.type = 'button';
  button.setAttribute('aria-expanded', 'false');
  button.addEventListener('click', () => {
    const open = button.getAttribute('aria-expanded') === 'false';
    button.setAttribute('aria-expanded', String(open));
    button.textContent = open ? 'Show less' : all;
    content.textContent = open ? text : short;
    onResize();
  });
  return button;
}

// MessageList owns the scrolling log. New entries are put in once a frame, so a
// burst costs one layout; the reader's place is kept unless it is the bottom.
export class MessageList {
  #log = document.getElementById('log');
  #list = document.getElementById('messages');
  #jump = document.getElementById('jump');
  #entries = []; // { node, size }, oldest first, those of #batch included
  #characters = 0;
  #batch = document.createDocumentFragment();
  #batchMessages = 0;
  #frame = 0;
  #atBottom = true;
  #below = 0; // messages that arrived below what the reader sees
  #day = '';

  constructor() {
    this.#log.addEventListener('scroll', () => this.#look(), { passive: true });
    this.#jump.addEventListener('click', () => this.toBottom());
    // An on-screen keyboard or a longer notice takes room from the log.
    new ResizeObserver(() => this.#atBottom && this.toBottom()).observe(this.#log);
  }

  // message shows one message event: its arguments, received at the given Date.
  message(args, at) {
    const parts = args.length ? args.map(describe) : [{ text: '', label: 'no value' }];
    const bodies = element('div', 'bodies');
    for (const part of parts) bodies.append(bodyOf(part, () => this.#look()));
    const item = element('li', 'message');
    item.append(bodies, timeOf(at));
    this.#batchMessages++;
    this.#add(item, parts.reduce((sum, part) => sum + part.text.length, 0), at);
  }

  // note puts a line of the page's own between the messages. The state line tells
  // a screen reader the same, so it is not read out twice.
  note(text, at) {
    const item = element('li', 'note', text);
    item.setAttribute('aria-live', 'off');
    this.#add(item, text.length, at);
  }

  toBottom() {
    this.#log.scrollTop = this.#log.scrollHeight;
    this.#look();
  }

  #add(node, size, at) {
    const day = at.toDateString();
    const dayBefore = this.#day;
    this.#day = day;
    if (dayBefore && dayBefore !== day) {
      this.note(at.toLocaleDateString([], { weekday: 'long', day: 'numeric', month: 'long' }), at);
    }
    this.#entries.push({ node, size });
    this.#characters += size;
    this.#batch.append(node);
    this.#trim();
    // Frames stop while the page is hidden; the batch is bounded like the list.
    this.#frame ||= requestAnimationFrame(() => this.#flush());
  }

  #trim() {
    while (this.#entries.length > MAX_ENTRIES
        || (this.#characters > MAX_CHARACTERS && this.#entries.length > 1)) {
      const { node, size } = this.#entries.shift();
      node.remove();
      this.#characters -= size;
      document.getElementById('dropped').hidden = false;
    }
  }

  #flush() {
    const messages = this.#batchMessages;
    this.#frame = 0;
    this.#batchMessages = 0;
    if (messages) document.getElementById('empty').hidden = true;
    this.#list.append(this.#batch);
    // Not measured here: a notice that has just taken room from the log would
    // look as if the reader had scrolled up.
    if (this.#atBottom) {
      this.toBottom();
      return;
    }
    this.#below += messages;
    this.#look();
  }

  #look() {
    const { scrollHeight, scrollTop, clientHeight } = this.#log;
    this.#atBottom = scrollHeight - scrollTop - clientHeight < NEAR_BOTTOM;
    if (this.#atBottom) this.#below = 0;
    this.#jump.hidden = this.#below === 0;
    if (this.#below > 0) this.#jump.textContent = this.#below === 1 ? '1 new message' : `${this.#below} new messages`;
  }
}
