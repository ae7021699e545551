// The chat of people whom Flask knows. Connecting tells whether it knows this browser.
import { io } from '/socket.io/socket.io.esm.min.js';

const KEPT = 200; // messages on the page
const RETRY = 3000; // milliseconds until a server that cannot tell is asked again

const ui = Object.fromEntries(
  ['state', 'login', 'chat', 'messages', 'composer', 'text', 'token'].map((id) => [id, document.getElementById(id)]),
);
const proof = {}; // the token, once there is one; the cookie goes with every request
// Without an upgrade: a refusal in the middle of one leaves errors on the console.
const socket = io({ auth: proof, transports: ['websocket', 'polling'], tryAllTransports: true });

function show(what, state) {
  ui.login.hidden = what !== ui.login;
  ui.chat.hidden = what !== ui.chat;
  ui.state.textContent = state;
}

socket.on('you', (name) => show(ui.chat, `Connected as ${name}, by ${proof.token ? 'a token' : 'the session'}`));
socket.on('disconnect', () => { ui.state.textContent = 'Not connected'; });
socket.on('connect_error', (error) => {
  if (error.message === 'log in first') {
    show(ui.login, 'Not logged in');
    return;
  }
  ui.state.textContent = 'Not connected: the server has no answer now';
  if (!socket.active) setTimeout(() => socket.connect(), RETRY); // a refusal; else the client tries by itself
});

/** What others wrote is only ever set as text. */
socket.on('message', ({ from, text }) => {
  const item = document.createElement('li');
  const name = document.createElement('strong');
  name.textContent = from;
  item.append(name, `: ${text}`);
  ui.messages.append(item);
  if (ui.messages.children.length > KEPT) ui.messages.firstElementChild.remove();
  item.scrollIntoView({ block: 'nearest' });
});

ui.composer.addEventListener('submit', (event) => {
  event.preventDefault();
  if (!socket.connected) return;
  socket.emit('message', ui.text.value);
  ui.text.value = '';
});

// What a client does that has no cookies, such as an app on a phone.
ui.token.addEventListener('click', async () => {
  const answer = await fetch('/token', { method: 'POST' });
  if (!answer.ok) {
    ui.state.textContent = 'There is no token for you; log in again';
    return;
  }
  proof.token = (await answer.json()).token;
  socket.disconnect().connect();
});
