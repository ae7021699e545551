// The chat's page. What others have written is shown with textContent, never as HTML.
import { io } from '/socket.io/socket.io.esm.min.js';

const MOST_LINES = 200;
const START = 'Hall';

const find = (id) => document.getElementById(id);
const socket = io();
let room = ''; // in which we are

/** The room stands in the address, so that a reload comes back to it. */
function wanted() {
  try {
    return decodeURIComponent(location.hash.slice(1)).trim() || START;
  } catch {
    return START; // no room's name: somebody has typed it
  }
}

/** Asks the server for something, and shows why not. */
async function ask(event, value) {
  const problem = await socket.emitWithAck(event, value).catch(() => 'The connection was lost.');
  find('problem').textContent = problem;
  return problem === '';
}

async function join() {
  const before = room;
  room = wanted();
  find('room').value = room;
  if (room !== before) {
    find('log').replaceChildren();
  }
  if (await ask('join', room)) {
    find('state').textContent = `In ${room}`;
  } else {
    room = before;
  }
}

/** What comes late from the room before is not shown. */
function onRoom(event, handle) {
  socket.on(event, (said) => {
    if (said.room === room) {
      handle(said);
    }
  });
}

function show(...parts) {
  const line = document.createElement('li');
  line.append(...parts);
  const log = find('log');
  log.append(line);
  while (log.children.length > MOST_LINES) {
    log.firstChild.remove();
  }
  line.scrollIntoView({ block: 'nearest' });
}

function bold(text) {
  const strong = document.createElement('strong');
  strong.textContent = text;
  return strong;
}

socket.on('connect', join);
socket.on('connect_error', (err) => {
  if (err.message === 'not logged in') {
    location.assign('/login');
    return;
  }
  find('state').textContent = 'Not connected';
});
socket.on('disconnect', (reason) => {
  find('state').textContent = 'Not connected';
  if (reason === 'io server disconnect') { // logged out in another tab
    location.assign('/login');
  }
});
// The logout ends all that is open under the name. This page has left by then: it would go
// to the login page at once, and the browser would give up the form that is on its way.
find('logout').addEventListener('submit', () => socket.disconnect());
onRoom('people', ({ people }) => {
  find('people').replaceChildren(...people.map((name) => {
    const item = document.createElement('li');
    item.textContent = name;
    return item;
  }));
});
onRoom('notice', ({ text }) => show(text));
onRoom('message', ({ name, text }) => show(bold(name), ' ', text));

window.addEventListener('hashchange', () => {
  if (socket.connected) {
    join();
  }
});
find('go').addEventListener('submit', (event) => {
  event.preventDefault();
  location.hash = encodeURIComponent(find('room').value);
});
find('say').addEventListener('submit', async (event) => {
  event.preventDefault();
  const text = find('text').value;
  if (socket.connected && await ask('say', text)) {
    find('text').value = '';
  }
});
